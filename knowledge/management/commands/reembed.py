"""`reembed REFERENCE`: change the embedding model of a reference while the old vectors answer, or roll that back."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.commands import TenantCommand
from core.progress import Progress
from jobs.drain import POLL_SECONDS, workers_are_running
from jobs.handlers import JobHandler, handler_of
from jobs.worker import work
from knowledge.engine_config import own_model_name
from knowledge.models import IngestionJob, Reembedding, Reference
from knowledge.services.reembedding import (
    Status,
    accept_reembedding,
    finish_reembedding,
    roll_back_reembedding,
    status_of,
)
from knowledge.services.references import one_reference, save_reference

CHANGES: dict[str, Callable[..., None]] = {
    "rollback": roll_back_reembedding,
    "accept": accept_reembedding,
    "finish": finish_reembedding,
}


class Command(TenantCommand):
    help = (
        "Let a reference's passages get vectors of another embedding model, behind all other work. The old ones answer "
        "until all are there and have passed a check. Without an option, say how far it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("reference", metavar="REFERENCE", help="its name or id")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--model", help="a configured embedding model")
        choice.add_argument(
            "--rollback", action="store_true", help="answer with the old model again, at once"
        )
        choice.add_argument(
            "--accept", action="store_true", help="switch to the new model although the check has refused it"
        )
        choice.add_argument("--finish", action="store_true", help="remove the old vectors now")
        parser.add_argument("--wait", action="store_true", help="return when there is nothing left to do")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> Status:
        reference = one_reference(actor.tenant_id, options["reference"])
        if options["model"]:
            reference.embedding_model = own_model_name(options["model"])
            save_reference(actor=actor, reference=reference)
        for name, change in CHANGES.items():
            if options[name]:
                change(actor=actor, reference=reference)
        if options["wait"]:
            with self.progress(unit="doc") as progress:
                _wait(actor.tenant_id, reference, progress)
        return status_of(actor.tenant_id, reference.pk)

    def describe(self, result: Status) -> str:
        return result.sentence


def _wait(tenant_id: UUID, reference: Reference, progress: Progress) -> None:
    """The running workers do the work, or this process if there are none."""
    while (status := status_of(tenant_id, reference.pk)).is_busy:
        progress(status.stage, done=status.documents - status.left, total=status.documents)
        if workers_are_running() or not any(work(handler, tenant_id) for handler in _handlers()):
            time.sleep(POLL_SECONDS)


def _handlers() -> tuple[JobHandler[Any], ...]:
    return handler_of(IngestionJob), handler_of(Reembedding)
