"""An assistant that reads a library of two documents."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from assistants.models import Assistant
from conversations.answering.events import Event, Finished
from conversations.services.asking import ask
from core.isolation.scope import tenant_scope
from knowledge.services.references import create_knowledge_base, set_references
from tests.conftest import Person
from tests.knowledge.libraries import BEES, RIVERS, Library, make_library
from tests.support.chat_server import ChatServer
from tests.support.model_server import running
from workspaces.models import IntegrationConfig

# They need Debian's Chromium: apt install chromium
collect_ignore = [] if shutil.which("chromium") else ["test_chat_browser.py"]


@dataclass(frozen=True)
class Desk:
    """Where a person asks an assistant that reads the person's library."""

    person: Person
    library: Library
    assistant: Assistant

    def ask(self, question: str = "How do honey bees tell where flowers are?", **options: Any) -> list[Event]:
        return list(self.events(question, **options))

    def events(self, question: str, **options: Any) -> Iterator[Event]:
        whom = {} if "conversation" in options else {"assistant": self.assistant.pk}
        return ask(actor=self.person.actor, question=question, **{**whom, **options})

    def reply(self, question: str = "How do honey bees tell where flowers are?", **options: Any) -> Any:
        last = self.ask(question, **options)[-1]
        assert isinstance(last, Finished), last
        return last.reply


def make_desk(person: Person, folder: Path, name: str = "Guide") -> Desk:
    library = make_library(person, folder)
    library.add("bees.md", BEES)
    library.add("rivers.md", RIVERS)
    with tenant_scope(person.tenant_id):
        assistant = Assistant.objects.create(workspace_id=library.reference.workspace_id, name=name)
    base = create_knowledge_base(actor=person.actor, assistant_id=assistant.pk, name="Knowledge")
    set_references(actor=person.actor, knowledge_base=base, reference_ids=[library.reference.pk])
    return Desk(person, library, assistant)


def with_model(
    desk: Desk, server: ChatServer, *, endpoint: Mapping[str, Any] | None = None, **settings: Any
) -> Desk:
    """Let the server's model answer, with further configuration of its `endpoint` and settings of the assistant."""
    with tenant_scope(desk.person.tenant_id):
        integration = IntegrationConfig.objects.create(
            workspace_id=desk.assistant.workspace_id,
            name=f"Model {uuid4()}",
            type_enum="chat_model",
            config_encrypted_json={"url": server.url, "model": "scripted", **(endpoint or {})},
        )
        model = {"integration": str(integration.pk), **settings.pop("model", {})}
        desk.assistant.settings_json = {"model": model, **settings}
        desk.assistant.save()
    return desk


@pytest.fixture
def server(settings: Any) -> Iterator[ChatServer]:
    with running(ChatServer()) as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_port}"]
        yield server


@pytest.fixture
def desk(owner: Person, tmp_path: Path) -> Desk:
    return make_desk(owner, tmp_path / "own")
