"""The five examples, each added by one command and run to its end, with the embedded parts alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.knowledge.libraries import Library, make_library
from tests.support.workflows import Studio
from tests.workflows.example_runs import HOURS, INVOICE, add, decided, output_of, run
from workflows.services.examples import example_names
from workflows.services.publishing import problems
from workflows.services.yaml_form import export_yaml, import_yaml
from workspaces.models import Workspace


@pytest.fixture
def library(owner: Person, tmp_path: Path) -> Library:
    return make_library(owner, tmp_path / "own")


@pytest.fixture
def studio(owner: Person, library: Library) -> Studio:
    with tenant_scope(owner.tenant_id):
        return Studio(owner, Workspace.objects.get(pk=library.reference.workspace_id))


def test_a_mail_is_answered_after_an_approval(studio: Studio, library: Library):
    library.add("hours.md", HOURS)
    started = run(studio, "answer-mail-with-approval")
    output = decided(studio, started, approve=True)
    assert "from 9:00 to 17:00" in output["answer"]
    assert output["sent"] is False  # the embedded default cannot send mail


def test_a_document_is_tagged_with_its_kind(studio: Studio, library: Library):
    document = library.add("invoice.md", INVOICE)
    given = {"document": str(document.pk), "filename": "invoice.md"}
    output = output_of(run(studio, "tag-and-route-documents", given))
    assert output == {"label": "invoice", "tags": ["invoice", "for accounting"]}
    with tenant_scope(studio.tenant_id):
        names = set(document.document_tags.values_list("tag__tag", flat=True))
    assert names == {"invoice", "for accounting"}


def test_a_digest_gathers_passages(studio: Studio, library: Library):
    library.add("hours.md", HOURS)
    output = output_of(run(studio, "weekly-digest"))
    assert "hours.md: " in output["digest"]


def test_fields_of_an_invoice_are_extracted(studio: Studio):
    output = output_of(run(studio, "extract-invoice-fields"))
    assert output["missing"] == []
    fields = output["fields"]
    assert (fields["number"], fields["date"], fields["total"], fields["currency"]) == (
        "2027-0815", "2027-03-01", "1,190.00", "EUR"
    )  # fmt: skip
    assert fields["iban"].replace(" ", "") == "DE02120300000000202051"


def test_bad_feedback_is_escalated(studio: Studio, library: Library):
    library.add("hours.md", HOURS)
    started = run(studio, "escalate-bad-feedback")
    output = decided(studio, started, approve=True, comment="Corrected")
    assert output == {"escalated": True, "handled": True, "comment": "Corrected"}


@pytest.mark.parametrize("name", example_names())
def test_an_example_is_without_problems_and_goes_round_as_yaml(studio: Studio, name: str):
    workflow = add(studio, name)
    with tenant_scope(studio.tenant_id):
        assert problems(workflow) == []
        exported = export_yaml(workflow)
        other = Workspace.objects.create(name=f"Other {name}")
        again = import_yaml(exported, workspace=other, actor=studio.person.actor)
        assert export_yaml(again) == exported


def test_commands_list_runs_and_say_how_one_ended(studio: Studio, tmp_path: Path, capsys: Any):
    add(studio, "extract-invoice-fields")
    file = tmp_path / "input.json"
    file.write_text(json.dumps({"text": INVOICE}))
    tenant = str(studio.tenant_id)
    call_command("run_workflow", "extract-invoice-fields", tenant=tenant, input=file, json=True)
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["status"], answer["steps"][0]["key"]) == ("queued", "read")
    call_command("cancel_run", answer["run_id"], tenant=tenant)
    capsys.readouterr()
    call_command("list_runs", tenant=tenant, json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["run_id"], row["status"]) == (answer["run_id"], "cancelled")
