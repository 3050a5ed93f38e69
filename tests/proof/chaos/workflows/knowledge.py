"""The steps that use documents, models, data and other services, and what they need in a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistants.models import Teammate
from core.isolation.scope import tenant_scope
from jobs.drain import work_in_process
from jobs.handlers import handler_of
from knowledge.services.references import get_or_create_reference
from tests.conversations.conftest import Desk
from tests.proof.chaos.workflows.outside import Outside
from tests.workflows.benches import Bench
from workspaces.data_sources.importing import get_or_create_data_source, upload
from workspaces.models import DataImport

Step = dict[str, Any]
QUESTION = "Where do honey bees find the flowers?"
RETRIED = {"retries": 10, "wait_seconds": 0.1}
INBOX = "Inbox"
ROWS = "n,amount\n" + "".join(f"{n},{n}.50\n" for n in range(10))
TOTAL = "SELECT sum(amount) AS total FROM sales WHERE n <= $n"
LABELS = [{"name": "bees", "examples": [QUESTION]}, {"name": "rivers", "examples": ["Which river is long?"]}]
OUTPUT = {
    "found": "steps.find.output.passages[0].text",
    "answer": "steps.ask.output.answer",
    "team": "steps.team.output.assistant",
    "written": "steps.write.output.text",
    "label": "steps.label.output.label",
    "number": "steps.read.output.fields.number",
    "rows": "steps.sum.output.rows",
    "marked": "steps.mark.output.count",
}


def steps(desk: Desk, bench: Bench, outside: Outside) -> list[Step]:
    """`input` is {"key": of the run, "n"}."""
    _import_rows(bench, desk.library.folder)
    inbox = get_or_create_reference(actor=desk.person.actor, workspace="Main", reference=INBOX)
    chat = bench.integration("chat_model", url=outside.chat, model="scripted")
    webhook = bench.integration("webhook", url=outside.effects)
    with tenant_scope(bench.tenant_id):
        team = Teammate.objects.create(
            workspace=bench.workspace,
            name="Team",
            orchestration_config={"strategy": "priority", "assistants": [str(desk.assistant.pk)]},
        )
    made = [
        _step("file", "ingest", reference=str(inbox.pk), external_id="{{ input.key }}.md", text=_NOTE),
        _step("mark", "tag", documents="steps.file.output.document_id", tags=["marked"]),
        _step("find", "retrieve", query=QUESTION, references=[str(desk.library.reference.pk)], limit=1),
        _step("ask", "assistant", question=QUESTION) | {"assistant_id": desk.assistant.pk},
        _step("team", "teammate", question=QUESTION, teammate=str(team.pk)),
        _step("write", "llm", text="{{ input.n }}", integration=chat) | {"instruction": "Repeat it."},
        _step("label", "classify", text=QUESTION, labels=LABELS),
        _step("read", "extract", text="Number {{ input.n }}", fields=[{"name": "number", "pattern": r"\d+"}]),
        _step("sum", "data_query", sql=TOTAL, values={"n": "input.n"}),
        _step("tell", "notify", integration=webhook, payload=_TOLD),
    ]
    shown = ", ".join(f'"{name}": {value}' for name, value in OUTPUT.items())
    return [*made, {"key": "end", "type": "end", "config": {"output": f"{{{shown}}}"}}]


_NOTE = "# Note\n\nThis is the note of {{ input.key }}.\n"
_TOLD = '{"run": input.key, "step": "tell", "item": input.n}'


def _step(key: str, kind: str, **config: Any) -> Step:
    return {"key": key, "type": kind, "config": config, "on_error": RETRIED}


def _import_rows(bench: Bench, folder: Path) -> None:
    actor = bench.person.actor
    source = get_or_create_data_source(actor=actor, workspace=bench.workspace, name="Sales")
    path = folder / "sales.csv"
    path.write_text(ROWS)
    upload(actor=actor, data_source_id=source.pk, path=path, filename=path.name, starts=True)
    work_in_process(handler_of(DataImport), bench.tenant_id)
