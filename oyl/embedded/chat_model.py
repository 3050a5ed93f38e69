"""The chat model in OYL_CHAT_MODEL_FILE, as a process on the loopback interface."""

from __future__ import annotations

import sys
from pathlib import Path

from django.conf import settings

from core.errors import EngineError
from engines.chat import model_names
from engines.chat.model_file import RunningModel, problem
from oyl.embedded.errors import ServiceError
from oyl.embedded.layout import Layout
from oyl.embedded.program import Program


def program(layout: Layout) -> Program:
    return Program(
        name="chat-model",
        quiet=True,
        command=(
            *(sys.executable, "-m", "engines.chat.model_file_process"),
            *(
                "--file",
                str(Path(settings.OYL_CHAT_MODEL_FILE).resolve()),
                "--address",
                str(layout.chat_model),
            ),
            *("--context", str(settings.OYL_CHAT_MODEL_CONTEXT)),
            *("--slots", str(settings.OYL_CHAT_MODEL_SLOTS)),
            *("--threads", str(settings.OYL_CHAT_MODEL_THREADS)),
        ),
        prepare=lambda: _prepare(layout),
        is_ready=lambda: _answers(layout),
    )


def _prepare(layout: Layout) -> None:
    layout.chat_model.unlink(missing_ok=True)
    if found := problem(Path(settings.OYL_CHAT_MODEL_FILE)):
        raise ServiceError(found)


def _answers(layout: Layout) -> bool:
    running = RunningModel.read(layout.chat_model)
    try:
        return running is not None and bool(model_names(running.config()))
    except EngineError:
        return False
