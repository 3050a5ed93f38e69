"""Tagging documents or passages."""

from __future__ import annotations

from core.isolation.scope import tenant_scope
from knowledge.models import Chunk, Document, TagSource
from knowledge.services.tags import tag_chunks, tag_documents, untag_chunks, untag_documents
from workflows.definition import Definition, StepDefinition
from workflows.models import StepType
from workflows.steps.base import (
    Outcome,
    Output,
    Step,
    StepContext,
    StepError,
    expression,
    object_schema,
    template,
)
from workflows.steps.reach import bound_actor, own_ids

MAX_TAGGED = 1000


class Tag(Step):
    type = StepType.TAG
    purpose = (
        "Give tags to documents or passages of the workspace, or take them away; their source is 'workflow'."
    )
    config_schema = object_schema(
        ("tags",),
        documents=expression("The id of a document, or a list of ids"),
        passages=expression("The id of a passage, or a list of ids"),
        tags={
            "type": "array",
            "minItems": 1,
            "maxItems": 20,
            "items": template("The name of a tag", 255),
            "title": "The tags, which are added to the reference's vocabulary if they are new",
        },
        remove={"type": "boolean", "title": "Take the tags away instead, whatever their source"},
    )
    output_schema = object_schema(
        ("count", "tags"),
        count={"type": "integer", "title": "The number of documents or passages"},
        tags={"type": "array", "items": {"type": "string"}, "title": "The tags"},
    )

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        given = {"documents", "passages"} & set(step.config)
        return [] if len(given) == 1 else ["Give 'documents' or 'passages', one of them."]

    def run(self, context: StepContext) -> Outcome:
        config, actor = context.config, bound_actor(context)
        tags = [name for name in (name.strip() for name in config["tags"]) if name]
        model = Document if "documents" in config else Chunk
        with tenant_scope(context.tenant_id):
            ids = own_ids(context, model, config.get("documents", config.get("passages")))
        if len(ids) > MAX_TAGGED:
            raise StepError("too_many_ids", limit=MAX_TAGGED)
        named = {"document_ids" if model is Document else "chunk_ids": ids}
        if ids and tags and config.get("remove"):
            (untag_documents if model is Document else untag_chunks)(actor=actor, tags=tags, **named)
        elif ids and tags:
            change = tag_documents if model is Document else tag_chunks
            change(actor=actor, tags=tags, source=TagSource.WORKFLOW, **named)
        return Output({"count": len(ids), "tags": tags})
