"""One call of every service for evaluation sets, as in `calls`."""

from __future__ import annotations

from uuid import uuid4

from knowledge.models import EvaluationCase, EvaluationSet
from knowledge.services import evaluation_sets
from tests.proof.tampering.call_context import Call, CallContext


def save_evaluation_case(context: CallContext) -> Call:
    into = _evaluation_set(context)
    case = context.add(lambda: EvaluationCase(evaluation_set=into, question=context.name))
    return Call(
        make=lambda: evaluation_sets.save_evaluation_case(actor=context.actor, case=case),
        is_done=context.has(EvaluationCase, question=context.name),
    )


def add_evaluation_case(context: CallContext) -> Call:
    into, message = _evaluation_set(context), uuid4()
    return Call(
        make=lambda: evaluation_sets.add_evaluation_case(
            actor=context.actor,
            workspace_id=context.workspace.pk,
            evaluation_set=into.pk,
            question=context.name,
            expected=[],
            source_message=message,
        ),
        is_done=context.has(EvaluationCase, source_message=message),
    )


def expect_document(context: CallContext) -> Call:
    """In a set that has the case, which expects nothing yet."""
    into, document = _evaluation_set(context), context.document()
    context.add(lambda: EvaluationCase.objects.create(evaluation_set=into, question=context.name))
    return Call(
        make=lambda: evaluation_sets.expect_document(
            actor=context.actor, evaluation_set=into.pk, question=context.name, document=document.pk
        ),
        is_done=context.has(EvaluationCase, expected_json=[{"document": str(document.pk)}]),
    )


def _evaluation_set(context: CallContext) -> EvaluationSet:
    found: EvaluationSet = context.add(
        lambda: EvaluationSet.objects.create(workspace=context.workspace, name=context.name)
    )
    return found
