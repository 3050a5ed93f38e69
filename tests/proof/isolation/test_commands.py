"""Every command and every task × the intruder, with the victim's ids and names as arguments."""

from __future__ import annotations

import inspect
import json
import logging
import re
from argparse import Action
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from core.commands import TenantCommand, email_address, new_name
from core.isolation.scope import tenant_scope
from knowledge.models import Document, DocumentStatus, Reference
from knowledge.services.adding import add_documents
from knowledge.storage.values import Upload
from oyl.celery import app as celery
from tests.proof.isolation.commands import (
    COMMANDS,
    GENERAL,
    OUR_APPS,
    mentions_victim,
    parser_of,
    run,
    usual_value,
)
from tests.proof.isolation.parties import MODELS, Party, make_party

# They act in no tenant's scope, and print only names and ids of tenants.
OPERATOR_COMMANDS = {
    "changepassword",
    "check_rls",
    "create_operator",
    "create_tenant",
    "createsuperuser",
    "demo",
    "doctor",
    "list_tenants",
    "migrate",
    "services",
    "up",
    "version",
}
NEW_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
READING_TABLES = ("check_rls", "list_tenants")  # those that read tables
# The arguments of tasks. A task that takes a tenant or an id must be added here.
TASK_ARGUMENTS = {"complete": False, "queue": "ingest"}
celery.loader.import_default_modules()
TASKS = sorted(name for name in celery.tasks if name.partition(".")[0] in OUR_APPS)
pytestmark = pytest.mark.usefixtures("untouched")


@pytest.fixture
def intruder(database: None, tmp_path: Path) -> Party:
    """A new intruder, because commands create rows, some of them with the victim's names."""
    return make_party(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that can be ingested and evaluated."""
    place = tmp_path / "collection"
    (place / "qrels").mkdir(parents=True)
    (place / "corpus.jsonl").write_text(json.dumps({"_id": "1", "title": "", "text": "Bees dance."}))
    (place / "queries.jsonl").write_text(json.dumps({"_id": "1", "text": "Who dances?"}))
    (place / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\t1\t1\n")
    return place


def test_every_command_is_covered():
    tenants = {name for name, command in COMMANDS.items() if isinstance(command, TenantCommand)}
    assert COMMANDS.keys() == tenants | OPERATOR_COMMANDS
    assert not tenants & OPERATOR_COMMANDS


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - OPERATOR_COMMANDS))
def test_foreign_argument_is_treated_as_absent(
    name: str, victim: Party, intruder: Party, folder: Path, counted: Counter[str]
):
    arguments = [action for action in parser_of(name)._actions if action.dest not in GENERAL]
    usual = {
        one.dest: [*one.option_strings[:1], usual_value(one, folder)] for one in arguments if one.required
    }
    assert not mentions_victim(victim, run(name, intruder.tenant_id, usual))
    for one in arguments:
        for foreign, absent in _pairs(one, victim):
            output = [
                run(name, intruder.tenant_id, {**usual, one.dest: [*one.option_strings[:1], value]})
                for value in (foreign, absent)
            ]
            counted["arguments of commands"] += 2
            # A command that creates something shows its new id.
            assert NEW_ID.sub("…", output[0]) == NEW_ID.sub("…", output[1]), (one.dest, foreign)
            assert not mentions_victim(victim, output[0])


@pytest.mark.parametrize("name", READING_TABLES)
def test_operator_commands_print_no_tenants_words(name: str, victim: Party):
    assert victim.word not in run(name, None, {})


def _pairs(argument: Action, victim: Party) -> list[tuple[str, str]]:
    """Return pairs of a foreign and an absent value for an argument that names something."""
    ids = [(str(victim.id_of(model)), str(uuid4())) for model in MODELS]
    words = [(victim.word, f"zz{uuid4().hex[:10]}")]
    if argument.nargs == 0 or argument.choices or argument.type in (int, float):
        return []
    if argument.type is UUID:
        return ids
    if argument.type is email_address:
        return [(victim.person.user.email, f"{uuid4().hex}@example.org")]
    if argument.metavar == "NAME_OR_ID":
        return ids + words
    if argument.type in (None, new_name):
        return words
    assert argument.metavar in ("PATH", "FILE", "DATASET", "SUFFIX"), (
        f"{argument.dest} has no place in the matrix"
    )
    return []


@pytest.mark.parametrize("name", TASKS)
def test_task_reveals_nothing_of_other_tenants(
    name: str, victim: Party, intruder: Party, folder: Path, caplog: pytest.LogCaptureFixture
):
    task = celery.tasks[name]
    parameters = inspect.signature(task.run).parameters
    assert set(parameters) <= set(TASK_ARGUMENTS), "it has an unknown parameter"
    document_id = _queue(intruder, folder / "corpus.jsonl")
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            result = task.run(**{name: TASK_ARGUMENTS[name] for name in parameters})
            if not name.endswith(".work") or _is_done(intruder, document_id):
                break
        else:
            pytest.fail("the worker did not process it")
    assert not mentions_victim(victim, f"{result} {caplog.text}")


def _queue(party: Party, path: Path) -> UUID:
    upload = Upload(external_id="tried", filename="tried.txt", path=path)
    reference = party.id_of(Reference)
    (added,) = add_documents(actor=party.person.actor, reference_id=reference, uploads=[upload])
    return added.document_id


def _is_done(party: Party, document_id: UUID) -> bool:
    with tenant_scope(party.tenant_id):
        found = Document.objects.get(pk=document_id)
    return bool(found.processed_status == DocumentStatus.DONE)
