"""Searching passages."""

from __future__ import annotations

from typing import Any

from conversations.answering.tracing import as_json
from engines.vectors import Mode
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search
from workflows.models import StepType
from workflows.steps.base import (
    Outcome,
    Output,
    Step,
    StepContext,
    expression,
    object_schema,
    refers_to,
    template,
)
from workflows.steps.filters import WHERE, filters_of
from workflows.steps.reach import bound_actor

_TAGS = {"type": "array", "maxItems": 20, "items": template("The name of a tag", 255)}
_FIELDS = (
    *(
        "chunk_id",
        "document_id",
        "reference_id",
        "filename",
        "external_id",
        "title",
        "pages",
        "heading",
        "text",
    ),
    *("score", "tags", "metadata"),
)


class Retrieve(Step):
    type = StepType.RETRIEVE
    purpose = "Find the best passages of the workspace's references for a question."
    config_schema = object_schema(
        ("query",),
        query=template("The question or the words"),
        references={
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": refers_to("knowledge.Reference", "A reference"),
            "title": "The references; without it, all of the workspace",
        },
        documents=expression("The ids of the documents; without it, all"),
        where=WHERE,
        tags_any={**_TAGS, "title": "One of these tags"},
        tags_all={**_TAGS, "title": "All of these tags"},
        tags_none={**_TAGS, "title": "None of these tags"},
        mode={"enum": [mode.value for mode in Mode], "title": "By meaning, by words, or both"},
        limit={
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "title": "At most so many passages; 10 if not given",
        },
        min_score={
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "title": "Only passages of at least this relevance",
        },
        rerank={"type": "boolean", "title": "Let a reranker read the first ten"},
    )
    output_schema = object_schema(
        ("passages", "count"),
        passages={
            "type": "array",
            "title": "The passages, the best first",
            "items": {"type": "object", "properties": {name: {} for name in _FIELDS}},
        },
        count={"type": "integer", "title": "The number of passages"},
    )
    cost = "a search of the quota; with a reranker eleven"

    def run(self, context: StepContext) -> Outcome:
        config, warnings = context.config, list[str]()
        found = search(
            actor=bound_actor(context),
            query=config["query"],
            mode=Mode(config.get("mode", Mode.HYBRID)),
            limit=config.get("limit", 10),
            filters=filters_of(context),
            operators=False,
            min_score=config.get("min_score"),
            rerank=config.get("rerank", False),
            warn=warnings.append,
        )
        passages = [_shown(chunk) for chunk in found]
        return Output({"passages": passages, "count": len(passages)}, details={"warnings": warnings})


def _shown(chunk: FoundChunk) -> dict[str, Any]:
    shown = {name: getattr(chunk, name) for name in _FIELDS}
    return dict(as_json({**shown, "tags": [tag.tag for tag in chunk.tags]}))
