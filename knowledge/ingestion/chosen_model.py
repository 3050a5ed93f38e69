"""The embedding model of references that leave its choice to their documents (`Reference.AUTO`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from audit.services import record
from core.isolation.scope import tenant_scope
from knowledge.engine_config import embedder_named, model_for
from knowledge.ingestion.attempt import Attempt
from knowledge.ingestion.sources import load_batch
from knowledge.model_choice import model_for_passages, model_for_texts
from knowledge.models import IngestionJob, Reembedding, Reference
from knowledge.pipeline.values import Parsed, Tagged
from knowledge.second_models import has_passages, set_answering_model
from knowledge.services.reembedding import start_reembedding, unfinished


def choose_model(
    attempt: Attempt, jobs: Sequence[IngestionJob], files: Mapping[UUID, Path], parsed: list[Parsed]
) -> tuple[Attempt, list[Parsed]]:
    """The first documents of a reference choose its model, before they are chunked: in its tokens. What they need is then
    loaded again for this model."""
    if not parsed or jobs[0].document.reference.embedding_model != Reference.AUTO:
        return attempt, parsed
    model = model_for_texts([element.text for one in parsed for element in one.document.elements])
    if model != attempt.ports.embedder.model:
        model = _set_if_first(attempt, jobs[0].document.reference, model)
    if model == attempt.ports.embedder.model:
        return attempt, parsed
    attempt = replace(attempt, ports=replace(attempt.ports, embedder=embedder_named(model)))
    sources = {source.document_id: source for source in load_batch(attempt, jobs, files)}
    return attempt, [replace(one, source=sources[one.source.document_id]) for one in parsed]


def _set_if_first(attempt: Attempt, reference: Reference, model: str) -> str:
    """Return the model that the reference has now."""
    with tenant_scope(attempt.tenant_id):
        rows = Reference.objects.select_for_update(no_key=True)
        present = rows.filter(pk=reference.pk).first() or reference
        # What a change has made for its new model, and still removes, is not distinguished from what would be made now.
        is_changing = unfinished(reference.pk) is not None
        if present.embedding_model != Reference.AUTO or is_changing or has_passages(reference.pk):
            return model_for(present)
        set_answering_model(reference.pk, model)
        record(
            actor=attempt.actor,
            action="reference.embedding_model_chosen",
            target=reference,
            workspace_id=reference.workspace_id,
            old={"embedding_model": Reference.AUTO},
            new={"embedding_model": model},
        )
    return model


def follow_languages(attempt: Attempt, jobs: Sequence[IngestionJob], products: Sequence[Tagged]) -> None:
    """When further documents are in other languages than the first ones, change the reference's model in the background;
    once only, so that a rollback is final."""
    reference = jobs[0].document.reference if jobs else None
    if reference is None or reference.embedding_model != Reference.AUTO:
        return
    answering = attempt.ports.embedder.model
    if answering == model_for_texts(
        [content for product in products for content in product.chunked.contents]
    ):
        return
    with tenant_scope(attempt.tenant_id):
        model = model_for_passages(reference.pk)
        was_tried = Reembedding.objects.filter(reference=reference, to_model=model).exists()
        if model != answering and not was_tried:
            start_reembedding(actor=attempt.actor, reference=reference, model=model)
