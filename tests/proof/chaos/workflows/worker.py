"""A worker of runs that is killed at every function of the engine, before and after it."""

from __future__ import annotations

import inspect
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from types import FunctionType

from jobs import queue
from jobs import worker as jobs_worker
from tests.proof.chaos.events import Log
from tests.proof.chaos.scale import Scale
from tests.proof.chaos.steps import Around, functions_in, wrapped
from tests.proof.chaos.worker import Plan, StepFaults, serve, set_up
from workflows import engine
from workflows.engine.execution import Execution
from workflows.steps.registry import step_types

PACKAGES = ("workflows.", "jobs.")


def run_worker(plan: Plan, scale: Scale, folder: Path, claimed: Connection) -> None:
    set_up(scale, folder / "worker.log")
    instrument(StepFaults(plan, Log(folder / "events"), claimed).around)
    serve("workflows,ingest,maintenance")


def instrument(around: Around) -> None:
    replaced = {function: wrapped(function, around) for function in _functions()}
    for module in [module for name, module in sys.modules.items() if name.startswith(PACKAGES)]:
        for name, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and value in replaced:
                setattr(module, name, replaced[value])
    for kind in (Execution, *map(type, step_types().values())):
        for name, value in list(vars(kind).items()):
            if inspect.isfunction(value) and name != "__init__":
                setattr(kind, name, wrapped(value, around))


def _functions() -> Iterator[FunctionType]:
    modules = [
        import_module(one.name) for one in pkgutil.iter_modules(engine.__path__, f"{engine.__name__}.")
    ]
    for module in (*modules, queue, jobs_worker):
        found = (value for value in functions_in(module) if value.__module__ == module.__name__)
        yield from (value for value in found if not inspect.isgeneratorfunction(value))
