"""`search QUERY`: the chunks that answer it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from engines.vectors import Mode
from knowledge.search.filter_language import parse_filter_text
from knowledge.search.filters import SearchFilters
from knowledge.search.reasons import in_words, matched_in
from knowledge.search.service import search
from knowledge.services.references import find_reference_ids


class Command(TenantCommand):
    help = "Find passages in a tenant's documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("query", help='words, "phrases", -exclusions and field:value')
        parser.add_argument(
            "--reference", action="append", default=[], metavar="NAME_OR_ID", help="may be repeated"
        )
        parser.add_argument(
            "--tag", action="append", default=[], help="passages with this tag; may be repeated (any of)"
        )
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            metavar="JSON",
            help='as in {"type": "gte", "key": "year", "value": 2026}; may be repeated (all of)',
        )
        parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.HYBRID.value)
        parser.add_argument(
            "--min-score",
            type=float,
            metavar="RELEVANCE",
            help="leave out passages of lower relevance, from 0 to 1",
        )
        parser.add_argument(
            "--fold-similar", action="store_true", help="of near-identical passages only the best"
        )
        parser.add_argument(
            "--rerank",
            action="store_true",
            help="let a model that reads question and passage together order the first ten anew",
        )
        parser.add_argument("-k", type=int, default=10, metavar="N", dest="limit")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> list[dict[str, Any]]:
        names = options["reference"]
        references = tuple(pk for name in names for pk in find_reference_ids(actor.tenant_id, name))
        filters = SearchFilters(
            references=references if names else None,
            tags_any=tuple(options["tag"]),
            where=tuple(map(parse_filter_text, options["filter"])),
        )
        chunks = search(
            actor=actor,
            query=options["query"],
            mode=Mode(options["mode"]),
            limit=options["limit"],
            filters=filters,
            min_score=options["min_score"],
            fold_similar=options["fold_similar"],
            rerank=options["rerank"],
            warn=lambda warning: self.stderr.write(f"Warning: {warning}"),
        )
        return [
            {
                "document": chunk.document_id,
                "filename": chunk.filename,
                "title": chunk.title,
                "page": chunk.page,
                "last_page": chunk.last_page,
                "pages": chunk.pages,
                "heading": list(chunk.heading),
                "text": chunk.text,
                "start": chunk.start,
                "end": chunk.end,
                "score": chunk.score,
                "scores": chunk.scores,
                "matched_in": matched_in(options["query"], chunk),
                "tags": chunk.tags,
                "similar": list(chunk.similar),
                "chunk_id": chunk.chunk_id,
            }
            for chunk in chunks
        ]

    def describe(self, result: list[dict[str, Any]]) -> str:
        if not result:
            return "Nothing found."
        hits = []
        for rank, hit in enumerate(result, start=1):
            place = " › ".join(filter(None, [hit["filename"], hit["pages"], *hit["heading"]]))
            components = ", ".join(f"{name} {score:.3f}" for name, score in hit["scores"].items())
            scores = f"relevance {hit['score']:.2f} ({components})"
            tags = ", ".join(f"{tag.tag} ({tag.source})" for tag in hit["tags"])
            text = hit["text"] if len(hit["text"]) < 400 else hit["text"][:400].rstrip() + " …"
            reason = in_words(hit["matched_in"]) if hit["scores"] else ""
            facts = [scores, reason, f"tags: {tags}" if tags else ""]
            if hit["similar"]:
                text += f"\n   and {len(hit['similar'])} like it"
            hits.append(f"{rank}. {place}\n   {'; '.join(filter(None, facts))}\n   {text}")
        return "\n\n".join(hits)
