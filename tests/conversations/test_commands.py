"""`create_assistant` and `ask`, and what is deleted after a time."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from assistants.models import Assistant, Instruction
from audit.models import AuditLog
from conversations.models import Conversation, Message, Retention
from conversations.tasks import delete_old_conversations
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.conversations.conftest import Desk
from tests.knowledge.libraries import BEES, make_library

QUESTION = "How do honey bees tell where flowers are?"


def run(name: str, *arguments: str, person: Person) -> Any:
    out = StringIO()
    call_command(name, *arguments, "--tenant", str(person.tenant_id), "--json", stdout=out)
    return json.loads(out.getvalue())


def test_assistant_is_made_once_and_answers(owner: Person, tmp_path: Path):
    make_library(owner, tmp_path / "own").add("bees.md", BEES)
    (tmp_path / "instruction.txt").write_text("Answer as a beekeeper would.")
    arguments = ("Keeper", "--workspace", "Main", "--reference", "Files")
    made = run(
        "create_assistant", *arguments, "--instruction", str(tmp_path / "instruction.txt"), person=owner
    )
    assert run("create_assistant", *arguments, person=owner) == made
    with tenant_scope(owner.tenant_id):
        assert Assistant.objects.count() == 1
        assert Instruction.objects.get().system_prompt == "Answer as a beekeeper would."
    answer = run("ask", "Keeper", QUESTION, "--trace", person=owner)
    assert answer["citations"][0]["filename"] == "bees.md" and answer["assistant"] == "Keeper"
    assert [stage["name"] for stage in answer["trace"]][-1] == "quoting"
    with pytest.raises(CommandError, match="There is no assistant 'Nobody'"):
        run("ask", "Nobody", QUESTION, person=owner)


def test_old_conversations_are_deleted_where_that_is_set(desk: Desk):
    desk.reply()
    old = desk.reply().conversation_id
    with tenant_scope(desk.person.tenant_id):
        row = Conversation.objects.filter(pk=old)
        row.update(updated_at=timezone.now() - timedelta(days=31))
    delete_old_conversations()
    with tenant_scope(desk.person.tenant_id):
        assert Conversation.objects.count() == 2, "without the setting, nothing is deleted"
        Retention.objects.create(days=30)
    delete_old_conversations()
    with tenant_scope(desk.person.tenant_id):
        assert old not in Conversation.objects.values_list("pk", flat=True)
        assert Message.objects.count() == 2
        assert AuditLog.objects.filter(action="conversations.deleted").count() == 1
