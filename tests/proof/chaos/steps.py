"""The steps of a worker, found by introspection: every function of jobs, ingestion, file storage and of the services that
ingestion uses, the stages of the pipeline, and every call to a port."""

from __future__ import annotations

import functools
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

from core import storage
from engines.embedding import Embedder
from engines.embedding.openai_compatible import OpenAICompatibleEmbedder
from engines.parsing import Parser
from engines.parsing.process_pool import PooledParser
from engines.vectors import VectorStore
from engines.vectors.edge import EdgeStore
from jobs import queue, worker
from jobs import tasks as jobs_tasks
from knowledge import ingestion, pipeline, queueing
from knowledge.services import adding, changing
from knowledge.storage import files

PORTS = ((Parser, PooledParser), (Embedder, OpenAICompatibleEmbedder), (VectorStore, EdgeStore))
PACKAGES = ("knowledge.", "jobs.", "core.storage")
Around = Callable[[str, Callable[[], Any], tuple[Any, ...]], Any]


def instrument(around: Around) -> None:
    """Let `around(name, call, arguments)` be called instead of each step; `call()` executes the step."""
    steps = {function: wrapped(function, around) for function in _functions()}
    for module in [module for name, module in sys.modules.items() if name.startswith(PACKAGES)]:
        for name, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and value in steps:
                setattr(module, name, steps[value])
    for protocol, adapter in PORTS:
        for name, value in vars(protocol).items():
            if inspect.isfunction(value) and not name.startswith("_"):
                setattr(adapter, name, wrapped(getattr(adapter, name), around))


def _functions() -> Iterator[FunctionType]:
    submodules = pkgutil.iter_modules(ingestion.__path__, f"{ingestion.__name__}.")
    others = (queue, worker, jobs_tasks, storage, files, queueing, adding, changing)
    for module in (*(import_module(one.name) for one in submodules), *others):
        yield from (value for value in functions_in(module) if value.__module__ == module.__name__)
    yield from functions_in(pipeline)


def functions_in(module: ModuleType) -> Iterator[FunctionType]:
    return (value for value in vars(module).values() if isinstance(value, FunctionType))


def wrapped(function: Any, around: Around) -> Any:
    label = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"

    @functools.wraps(function)
    def step(*args: Any, **kwargs: Any) -> Any:
        return around(label, lambda: function(*args, **kwargs), args)

    return step
