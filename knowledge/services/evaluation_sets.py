"""Evaluation sets: questions with the documents that answer them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from audit.services import save_audited
from core.actors import Actor
from core.errors import ConflictError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from knowledge.models import Document, EvaluationCase, EvaluationSet

# The set of answers that are saved without naming one.
SAVED_ANSWERS = "Saved answers"


class AmbiguousEvaluationSetError(ConflictError):
    """Several workspaces have an evaluation set of this name. Give its id."""


def save_evaluation_case(*, actor: Actor, case: EvaluationCase) -> None:
    """Raises InvalidError for a document that is not in the workspace of the set."""
    with tenant_scope(actor.tenant_id):
        wanted = {UUID(one["document"]) for one in case.expected_json}
        workspace_id = case.evaluation_set.workspace_id
        rows = Document.objects.filter(pk__in=wanted, reference__workspace=workspace_id)
        if missing := wanted - set(rows.values_list("pk", flat=True)):
            raise InvalidError(f"The workspace of the set has no document {min(missing)}.")
        save_audited(actor=actor, instance=case)


def add_evaluation_case(
    *,
    actor: Actor,
    workspace_id: UUID,
    evaluation_set: UUID | None,
    question: str,
    expected: Sequence[dict[str, Any]],
    source_message: UUID,
) -> EvaluationCase:
    """Of an answer, in the workspace's set of saved answers if no other is named; what was saved of the answer before is
    replaced. Raises NotFoundError, InvalidError."""
    with tenant_scope(actor.tenant_id):
        into = _set_of(actor, workspace_id, evaluation_set)
        found = EvaluationCase.objects.filter(evaluation_set=into, source_message=source_message).first()
        case: EvaluationCase = found or EvaluationCase(evaluation_set=into, source_message=source_message)
        case.question, case.expected_json = question, list(expected)
        case.full_clean()
        save_evaluation_case(actor=actor, case=case)
    return case


def _set_of(actor: Actor, workspace_id: UUID, pk: UUID | None) -> EvaluationSet:
    rows = EvaluationSet.objects.filter(workspace=workspace_id)
    found: EvaluationSet | None = rows.filter(**({"pk": pk} if pk else {"name": SAVED_ANSWERS})).first()
    if found is None and pk:
        raise NotFoundError("The workspace has no such evaluation set.")
    if found is None:
        found = EvaluationSet(workspace_id=workspace_id, name=SAVED_ANSWERS)
        save_audited(actor=actor, instance=found)
    return found


def find_evaluation_set(tenant_id: UUID, name_or_id: str) -> UUID:
    """Raises NotFoundError, AmbiguousEvaluationSetError."""
    with tenant_scope(tenant_id):
        names: dict[UUID, str] = dict(EvaluationSet.objects.values_list("pk", "name"))
    ids = [pk for pk, name in names.items() if name_or_id in (str(pk), name)]
    if not ids:
        raise NotFoundError(f"There is no evaluation set '{name_or_id}'.")
    if len(ids) > 1:
        raise AmbiguousEvaluationSetError
    return ids[0]
