"""Evaluation sets: questions with the documents that answer them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from audit.services import save_audited
from core.actors import Actor
from core.errors import ConflictError, InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Document, EvaluationCase, EvaluationSet

# The sets of answers, and of questions that are searched for, which are saved without naming one.
SAVED_ANSWERS, SAVED_QUESTIONS = "Saved answers", "Saved questions"


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
        into = _set_of(actor, workspace_id, evaluation_set, SAVED_ANSWERS)
        found = EvaluationCase.objects.filter(evaluation_set=into, source_message=source_message).first()
        case: EvaluationCase = found or EvaluationCase(evaluation_set=into, source_message=source_message)
        case.question, case.expected_json = question, list(expected)
        case.full_clean()
        save_evaluation_case(actor=actor, case=case)
    return case


def expect_document(
    *, actor: Actor, evaluation_set: UUID | None, question: str, document: UUID, is_expected: bool = True
) -> EvaluationCase:
    """Let the case of the question expect the document, or not any more. There is such a case afterwards, in the set of
    saved questions of the document's workspace if no other is named. Raises NotFoundError, InvalidError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        found = Document.objects.filter(pk=document).select_related("reference").defer("text").first()
        if found is None:
            raise NotFoundError("There is no such document any more.")
        into = _set_of(actor, found.reference.workspace_id, evaluation_set, SAVED_QUESTIONS)
        case: EvaluationCase = case_of(into.pk, question) or EvaluationCase(
            evaluation_set=into, question=question
        )
        others = [one for one in case.expected_json if one["document"] != str(document)]
        case.expected_json = [*others, *([{"document": str(document)}] if is_expected else [])]
        case.full_clean()
        save_evaluation_case(actor=actor, case=case)
    return case


def case_of(evaluation_set: UUID, question: str) -> EvaluationCase | None:
    """Inside a scope: the newest one of this question."""
    rows = EvaluationCase.objects.filter(evaluation_set=evaluation_set, question=question)
    found: EvaluationCase | None = rows.order_by("-created_at").first()
    return found


def _set_of(actor: Actor, workspace_id: UUID, pk: UUID | None, name: str) -> EvaluationSet:
    rows = EvaluationSet.objects.filter(workspace=workspace_id)
    found: EvaluationSet | None = rows.filter(**({"pk": pk} if pk else {"name": name})).first()
    if found is None and pk:
        raise NotFoundError("The workspace has no such evaluation set.")
    if found is None:
        found = EvaluationSet(workspace_id=workspace_id, name=name)
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
