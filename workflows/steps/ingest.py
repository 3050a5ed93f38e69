"""Adding a text or a file to a reference."""

from __future__ import annotations

import base64
import binascii
import tempfile
from pathlib import Path, PurePath

from core.isolation.scope import tenant_scope
from knowledge.models import Reference, TagSource
from knowledge.services.adding import add_documents
from knowledge.storage.values import Upload
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
    refers_to,
    template,
)
from workflows.steps.reach import bound_actor, own_row


class Ingest(Step):
    type = StepType.INGEST
    purpose = "Add a text or a file to a reference; a document with the same external id is replaced."
    config_schema = object_schema(
        ("reference", "external_id"),
        reference=refers_to("knowledge.Reference", "The reference"),
        external_id=template("The identity of the document, as orders/4711.md", 1024),
        filename=template("The name of the file; without it, the last part of the external id", 255),
        text=template("The text", 1_000_000),
        base64=expression("The content of a file in base64, such as the body of a response"),
        metadata={
            "type": "object",
            "maxProperties": 50,
            "additionalProperties": expression("A value"),
            "title": "Metadata of the document",
        },
        tags={"type": "array", "maxItems": 20, "items": template("The name of a tag", 255), "title": "Tags"},
    )
    output_schema = object_schema(
        ("document_id", "external_id", "outcome"),
        document_id={"type": "string", "format": "uuid"},
        external_id={"type": "string"},
        outcome={
            "enum": ["added", "updated", "unchanged"],
            "title": "What was done; the file is read afterwards",
        },
    )
    cost = "a document and its bytes of the quotas, and what its ingestion takes"

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        given = {"text", "base64"} & set(step.config)
        return [] if len(given) == 1 else ["Give the content as 'text' or as 'base64', one of them."]

    def run(self, context: StepContext) -> Outcome:
        config = context.config
        with tenant_scope(context.tenant_id):
            reference = own_row(context, Reference, config["reference"])
        with tempfile.TemporaryDirectory(prefix="oyl-ingest-") as folder:
            path = Path(folder, "content")
            path.write_bytes(_content(context))
            upload = Upload(
                external_id=config["external_id"],
                filename=config.get("filename") or PurePath(config["external_id"]).name,
                path=path,
                metadata=config.get("metadata", {}),
                tags=tuple(config["tags"]) if "tags" in config else None,
                tag_source=TagSource.WORKFLOW,
            )
            (added,) = add_documents(actor=bound_actor(context), reference_id=reference.pk, uploads=[upload])
        shown = {"document_id": str(added.document_id), "external_id": added.external_id}
        return Output({**shown, "outcome": added.outcome.value})


def _content(context: StepContext) -> bytes:
    if "text" in context.config:
        return str(context.config["text"]).encode()
    try:
        return base64.b64decode(context.config["base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise StepError("invalid_content") from None
