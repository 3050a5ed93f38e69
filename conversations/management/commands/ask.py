"""`manage.py ask ASSISTANT QUESTION --tenant T`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from assistants.models import Assistant, Teammate
from conversations.answering.events import Failed, Finished
from conversations.errors import AnswerFailedError
from conversations.models import Trace
from conversations.presenting import shown_reply
from conversations.services.asking import ask
from conversations.services.assistants import find_partner
from core.actors import Actor
from core.commands import TenantCommand
from core.isolation.scope import tenant_scope
from core.json_values import json_text

SHOWN_ROWS = 10


class Command(TenantCommand):
    help = "Ask an assistant, or a teammate, and show the answer with its sources."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("assistant", metavar="ASSISTANT", help="its name or id")
        parser.add_argument("question")
        parser.add_argument("--teammate", action="store_true", help="ASSISTANT is a teammate")
        parser.add_argument("--trace", action="store_true", help="also how the answer was made")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        model = Teammate if options["teammate"] else Assistant
        kind = "teammate" if options["teammate"] else "assistant"
        whom: dict[str, Any] = {kind: find_partner(actor.tenant_id, model, options["assistant"])}
        *_, last = ask(actor=actor, question=options["question"], **whom)
        if isinstance(last, Failed):
            raise AnswerFailedError(last.detail)
        assert isinstance(last, Finished), "every answer ends"
        result = shown_reply(last.reply)
        if options["trace"]:
            with tenant_scope(actor.tenant_id):
                result["trace"] = Trace.objects.get(pk=last.reply.trace_id).stages_json
        return result

    def describe(self, result: dict[str, Any]) -> str:
        sources = [*map(_source, result["citations"]), *map(_table, result["tables"])]
        stages = [f"{one['name']}: {one['seconds']:.3f} s" for one in result.get("trace", ())]
        facts = f"({result['assistant']}, {result['model']}, {result['seconds']:.2f} s)"
        return "\n".join(filter(None, [result["answer"], "", *sources, facts, *stages]))


def _table(table: dict[str, Any]) -> str:
    """The statement, and the first rows."""
    rows = [json_text(dict(zip(table["columns"], row, strict=True))) for row in table["rows"][:SHOWN_ROWS]]
    more = [f"… {table['row_count']} rows"] if table["row_count"] > len(rows) else []
    return "\n    ".join([f"[{table['number']}] {table['sql']}", *rows, *more])


def _source(citation: dict[str, Any]) -> str:
    page = f"page {citation['page']}" if citation["page"] else ""
    place = " › ".join(filter(None, [citation["filename"], page, *citation["heading"]]))
    return f"[{citation['number']}] {place}"
