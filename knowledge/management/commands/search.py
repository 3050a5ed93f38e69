"""`search QUERY`: the passages that answer it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from engines.vectors import Mode
from knowledge.search.filters import SearchFilters
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search
from knowledge.services.libraries import find_references


class Command(TenantCommand):
    help = "Find passages in a tenant's documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("query")
        parser.add_argument(
            "--reference", action="append", default=[], metavar="NAME_OR_ID", help="may be repeated"
        )
        parser.add_argument(
            "--tag", action="append", default=[], help="passages with this tag; may be repeated (any of)"
        )
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.HYBRID.value)
        parser.add_argument("-k", type=int, default=10, metavar="N", dest="limit")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> list[dict[str, Any]]:
        names = options["reference"]
        references = [pk for name in names for pk in find_references(actor.tenant_id, name)]
        filters = SearchFilters(
            references=tuple(references) if names else None, tags_any=tuple(options["tag"])
        )
        passages = search(
            actor=actor,
            query=options["query"],
            mode=Mode(options["mode"]),
            limit=options["limit"],
            filters=filters,
        )
        return [_as_json(passage) for passage in passages]

    def describe(self, result: list[dict[str, Any]]) -> str:
        if not result:
            return "Nothing found."
        return "\n\n".join(_as_text(rank, hit) for rank, hit in enumerate(result, start=1))


def _as_json(passage: FoundChunk) -> dict[str, Any]:
    return {
        "document": passage.document_id,
        "filename": passage.filename,
        "page": passage.page,
        "heading": list(passage.heading),
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "score": passage.score,
        "scores": passage.scores,
        "tags": passage.tags,
        "chunk_id": passage.chunk_id,
    }


def _as_text(rank: int, hit: dict[str, Any]) -> str:
    place = [hit["filename"], *([f"page {hit['page']}"] if hit["page"] else []), *hit["heading"]]
    tags = ", ".join(f"{tag.tag} ({tag.source})" for tag in hit["tags"])
    scores = ", ".join(f"{name} {score:.3f}" for name, score in hit["scores"].items())
    text = hit["text"] if len(hit["text"]) < 400 else hit["text"][:400].rstrip() + " …"
    return f"{rank}. {' › '.join(place)}\n   {scores}{f'; tags: {tags}' if tags else ''}\n   {text}"
