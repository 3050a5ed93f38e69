"""Interruptions of a worker: it is killed, or something else changes, just before one of its steps."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from knowledge.ingestion import ingest
from knowledge.models import IngestionJob
from knowledge.services.changing import delete_documents
from tests.knowledge.libraries import Library, claim, process


class Killed(BaseException):
    """Not caught anywhere in OYL, like a SIGKILL."""


def kill() -> None:
    raise Killed


def before(patch: pytest.MonkeyPatch, module: object, name: str, callback: Callable[[], object]) -> None:
    """Let the callback be called just before the named function."""
    function = getattr(module, name)

    def callback_and_function(*args: object, **options: object) -> object:
        callback()
        return function(*args, **options)

    patch.setattr(module, name, callback_and_function)


def once(callback: Callable[[], object]) -> Callable[[], object]:
    """Call it the first time only."""
    calls = [callback]
    return lambda: calls.pop()() if calls else None


def work_until(library: Library, name: str, callback: Callable[[], object]) -> None:
    """Process one batch, and call the callback just before the named step."""
    batch = claim(library.tenant_id)
    with pytest.MonkeyPatch.context() as patch:
        before(patch, ingest, name, callback)
        process(library.tenant_id, batch)


def end_leases(library: Library) -> None:
    with tenant_scope(library.tenant_id):
        running = IngestionJob.objects.filter(state=JobState.RUNNING)
        running.update(available_at="2020-01-01T00:00Z")


def delete(library: Library, *ids: UUID) -> None:
    delete_documents(actor=library.person.actor, document_ids=ids)
