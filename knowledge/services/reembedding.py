"""Changing the embedding model of a reference while the old vectors answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from audit.services import record
from core.actors import Actor
from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from jobs.states import JobState
from knowledge.engine_config import model_for
from knowledge.models import Document, Reembedding, ReembeddingStage, Reference
from knowledge.second_models import (
    KEPT,
    answering_model,
    continue_now,
    has_passages,
    lock_model,
    other_model,
    set_answering_model,
    unfinished_jobs,
)


class ReembeddingUnderWayError(ConflictError):
    """The embedding model of this reference is being changed already."""


class NoReembeddingError(ConflictError):
    """The embedding model of this reference is not being changed, and the last change cannot be rolled back any more."""


def start_reembedding(*, actor: Actor, reference: Reference, model: str) -> bool:
    """Inside a scope: let the passages get vectors of the model, behind all other work; the old ones answer until all are
    there and have passed the check. The same call again lets what failed be tried at once. Return False, having done
    nothing, if there are no passages. Raises ReembeddingUnderWayError."""
    actor.require(Role.EDITOR)
    list(Reference.objects.filter(pk=reference.pk).select_for_update(no_key=True).values_list("pk"))
    if present := unfinished(reference.pk):
        if present.switched_at or present.to_model != model or present.stage == ReembeddingStage.REMOVE:
            raise ReembeddingUnderWayError(_why_not(present))
        _try_now(present)
        return True
    if not has_passages(reference.pk):
        return False
    before = model_for(reference)
    row = Reembedding.objects.create(reference=reference, from_model=before, to_model=model)
    continue_now(Reembedding.objects.filter(pk=row.pk))
    _record(actor, "reference.reembedding_started", reference, before, model)
    return True


def roll_back_reembedding(*, actor: Actor, reference: Reference) -> None:
    """Answer with the old model again, at once, and remove the vectors of the new one. Before the switch, end the change.
    Raises NoReembeddingError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        row = _locked(reference)
        if row.switched_at:
            set_answering_model(reference.pk, row.from_model, is_auto=row.was_auto)
            # Documents that came after the switch: found again as soon as the old model has embedded them, too.
            unfinished_jobs(reference.pk).filter(state=JobState.QUEUED).locked().update(in_background=False)
        _continue(row, ReembeddingStage.REMOVE, switched_at=None)
        _record(actor, "reference.reembedding_rolled_back", reference, row.to_model, row.from_model)


def accept_reembedding(*, actor: Actor, reference: Reference) -> None:
    """Switch to the new model although the check has refused it. Raises NoReembeddingError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        row = _locked(reference)
        if row.stage != ReembeddingStage.REFUSED:
            raise NoReembeddingError("The check has refused no embedding model of this reference.")
        _continue(row, ReembeddingStage.CHECK, is_accepted=True)
        _record(actor, "reference.reembedding_accepted", reference, row.from_model, row.to_model)


def finish_reembedding(*, actor: Actor, reference: Reference) -> None:
    """Remove the old vectors now; then the switch cannot be rolled back. Raises NoReembeddingError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        row = _locked(reference)
        if row.stage != ReembeddingStage.KEEP:
            raise NoReembeddingError("This reference has not switched to another embedding model yet.")
        _continue(row, ReembeddingStage.REMOVE)
        _record(actor, "reference.reembedding_finished", reference, row.from_model, row.to_model)


def unfinished(reference_id: UUID) -> Reembedding | None:
    """Inside a scope: the reference's change, until the vectors of the other model are removed."""
    row: Reembedding | None = Reembedding.objects.unfinished().filter(reference=reference_id).first()
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far a reference's change of its embedding model is; without one, only the model that answers is given. `left`
    documents have no vectors of `to_model` yet, and `problem` is that of one of them, or of the change itself. For the other
    fields see `Reembedding`."""

    embedding_model: str
    from_model: str = ""
    to_model: str = ""
    stage: str = ""
    is_busy: bool = False
    documents: int = 0
    left: int = 0
    questions: int = 0
    found_before: int | None = None
    found_after: int | None = None
    problem: str = ""
    switched_at: datetime | None = None
    kept_until: datetime | None = None

    @property
    def sentence(self) -> str:
        answers = f"{self.embedding_model} answers."
        match self.stage:
            case ReembeddingStage.EMBED:
                done = f"{self.documents - self.left} of {self.documents} documents have vectors of {self.to_model}."
                return " ".join(filter(None, (answers, done, self.problem)))
            case ReembeddingStage.CHECK:
                return f"{answers} All documents have vectors of {self.to_model}, which are being checked. {self.problem}"
            case ReembeddingStage.REFUSED:
                return f"{answers} {self._figures} Accept {self.to_model} all the same, or roll back."
            case ReembeddingStage.KEEP:
                return f"{answers} {self._figures} It can be rolled back until {self.kept_until:%Y-%m-%d %H:%M} UTC."
            case ReembeddingStage.REMOVE:
                return f"{answers} The other vectors are being removed. {self.problem}"
        return answers

    @property
    def _figures(self) -> str:
        before = "did not answer" if self.found_before is None else f"found {self.found_before}"
        return (
            f"Of {self.questions} passages, asked for by a sentence of theirs, {self.to_model} found {self.found_after},"
            f" and {self.from_model} {before}."
        )


def status_of(tenant_id: UUID, reference_id: UUID) -> Status:
    with tenant_scope(tenant_id):
        model = model_for(Reference.objects.only("pk", "embedding_model").get(pk=reference_id))
        row = _with_progress().filter(reference=reference_id).first()
    if row is None:
        return Status(embedding_model=model)
    names = ("from_model", "to_model", "stage", "questions", "found_before", "found_after", "switched_at")
    is_waiting = row.stage in (ReembeddingStage.REFUSED, ReembeddingStage.KEEP)
    documents = row.documents or 0
    return Status(
        embedding_model=model,
        is_busy=not is_waiting or row.state != JobState.WAITING,
        documents=documents,
        left=(row.left or 0) if row.attempt else documents,
        problem=row.error_detail or row.problem or "",
        kept_until=row.switched_at and row.switched_at + KEPT,
        **{name: getattr(row, name) for name in names},
    )


def _with_progress() -> QuerySet[Any]:
    """The unfinished changes, each with the numbers of its documents and of those left, and the problem of one of these."""
    jobs = unfinished_jobs(OuterRef("reference")).order_by()
    failed = jobs.exclude(error_code="").order_by("-updated_at")
    documents = Document.objects.filter(reference=OuterRef("reference"), generation__gt=0).order_by()
    rows: QuerySet[Any] = Reembedding.objects.unfinished().annotate(
        documents=_count(documents, "reference"),
        left=_count(jobs, "document__reference"),
        problem=Subquery(failed.values("error_detail")[:1]),
    )
    return rows


def _count(rows: QuerySet[Any], group: str) -> Subquery:
    return Subquery(rows.values(group).annotate(number=Count("pk")).values("number"))


def _locked(reference: Reference) -> Reembedding:
    """Inside a scope."""
    lock_model(reference.pk)
    rows = Reembedding.objects.unfinished().filter(reference=reference).exclude(stage=ReembeddingStage.REMOVE)
    row: Reembedding | None = rows.select_for_update(no_key=True).first()
    if row is None:
        raise NoReembeddingError
    return row


def _continue(row: Reembedding, stage: ReembeddingStage, **columns: object) -> None:
    """A worker that is at another step loses its lease."""
    continue_now(
        Reembedding.objects.filter(pk=row.pk), stage=stage, error_code="", error_detail="", **columns
    )


def _try_now(row: Reembedding) -> None:
    """Let what waits after a failure be tried at once."""
    unfinished_jobs(row.reference_id).filter(state=JobState.QUEUED).locked().update(available_at=Now())
    continue_now(Reembedding.objects.filter(pk=row.pk, state=JobState.QUEUED))


def _why_not(row: Reembedding) -> str:
    if row.stage == ReembeddingStage.REMOVE:
        return f"The vectors of {other_model(row)} are still being removed. Try again in a moment."
    if row.switched_at:
        return (
            f"The vectors of {other_model(row)} are still kept: roll back to it, or finish the change, first."
        )
    return f"The model is being changed from {answering_model(row)} to {row.to_model}: roll that back first."


def _record(actor: Actor, action: str, reference: Reference, old: str, new: str) -> None:
    record(
        actor=actor,
        action=action,
        target=reference,
        workspace_id=reference.workspace_id,
        old={"embedding_model": old},
        new={"embedding_model": new},
    )
