"""All types of steps: each file of this folder that defines a `Step` adds one."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from inspect import isabstract

from workflows import steps
from workflows.models import StepType
from workflows.steps.base import Step


@cache
def step_types() -> dict[StepType, Step]:
    """In the order of `StepType`."""
    for module in pkgutil.iter_modules(steps.__path__, f"{steps.__name__}."):
        import_module(module.name)
    found = {kind.type: kind() for kind in Step.__subclasses__() if not isabstract(kind)}
    return {kind: found[kind] for kind in StepType if kind in found}
