"""The services of all apps, and a tenant in which they are called."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import models

from assistants.models import Assistant
from core.actors import Actor, ActorKind, PlatformActor
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import (
    Chunk,
    Document,
    FileUpload,
    KnowledgeBase,
    Reference,
    StoredFile,
    TagLink,
    TagSource,
)
from knowledge.services.file_uploads import create_upload
from knowledge.services.references import create_knowledge_base
from knowledge.services.stored_files import store_file
from knowledge.services.tags import get_or_create_tags, set_document_tags
from tenants.models import Membership, User
from tests.conftest import JUST_NOW
from tests.support.admin_rows import make_document
from workspaces.models import Workspace

Service = Callable[..., Any]


def services() -> Iterator[Service]:
    """Yield every public function of the apps' services that takes an actor or keyword-only arguments."""
    for module in _modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            parameters = inspect.signature(function).parameters.values()
            is_service = any(p.name == "actor" or p.kind is p.KEYWORD_ONLY for p in parameters)
            if is_service and function.__module__ == module.__name__ and not name.startswith("_"):
                yield function


def _modules() -> Iterator[ModuleType]:
    for app in apps.get_app_configs():
        if Path(app.path).parent == settings.BASE_DIR and any(Path(app.path).glob("services*")):
            module = import_module(f"{app.name}.services")
            yield module
            for each in pkgutil.iter_modules(getattr(module, "__path__", []), f"{module.__name__}."):
                yield import_module(each.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`is_done` returns whether the change was made; it is None for a call that changes nothing. `events` is the number of
    events that the call records."""

    make: Callable[[], object]
    is_done: Callable[[], bool] | None = None
    events: int = 1


@dataclass(slots=True, kw_only=True)
class CallContext:
    """A tenant with a workspace and a reference, and the actor of the calls."""

    actor: Actor
    workspace: Workspace
    reference: Reference
    folder: Path
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def name(self) -> str:
        """A unique name."""
        return f"Name {self.key}"

    @property
    def operator(self) -> PlatformActor:
        """The actor as an operator, unless it is a viewer."""
        kind = ActorKind.USER if self.actor.role is Role.VIEWER else ActorKind.OPERATOR
        return PlatformActor(
            kind=kind, credential="session", user_id=self.actor.user_id, password_entered_at=JUST_NOW
        )

    def scope(self) -> Any:
        return tenant_scope(self.actor.tenant_id)

    def add(self, made: Callable[[], Any]) -> Any:
        with self.scope():
            return made()

    def has(self, model: type[models.Model], **facts: Any) -> Callable[[], bool]:
        def ask() -> bool:
            with self.scope():
                return bool(model._default_manager.filter(**facts).exists())

        return ask

    def lacks(self, model: type[models.Model], **facts: Any) -> Callable[[], bool]:
        has = self.has(model, **facts)
        return lambda: not has()

    def document(self, **facts: Any) -> Document:
        document: Document = self.add(lambda: make_document(self.reference, self.name, **facts))
        return document

    def knowledge_base(self) -> KnowledgeBase:
        assistant = self.add(lambda: Assistant.objects.create(workspace=self.workspace, name=self.name))
        maker = replace(self.actor, role=Role.OWNER)
        return create_knowledge_base(actor=maker, assistant_id=assistant.pk, name=self.name)

    def stored_file(self) -> StoredFile:
        maker, file = replace(self.actor, role=Role.OWNER), ContentFile(b"Text", name=self.name)
        return store_file(actor=maker, file=file, purpose="assistants")

    def upload(self, **facts: Any) -> FileUpload:
        maker = replace(self.actor, role=Role.OWNER)
        upload = create_upload(actor=maker, filename=self.name, purpose="assistants", size_bytes=4)
        self.add(lambda: FileUpload.objects.filter(pk=upload.pk).update(**facts) if facts else None)
        for name, value in facts.items():
            setattr(upload, name, value)
        return upload

    def chunk(self) -> Chunk:
        facts = {
            "generation": 1,
            "position": 0,
            "content_sha256": "0" * 64,
            "start": 0,
            "end": 4,
            "token_count": 1,
        }
        document = self.document(status="done")
        chunk: Chunk = self.add(lambda: Chunk.objects.create(document=document, text="Text", **facts))
        return chunk

    def tagged(self, document: Document) -> Document:
        self.add(lambda: set_document_tags([document], [self.name], TagSource.MANUAL, self.actor))
        return document

    def chunk_tagged(self) -> Chunk:
        chunk = self.chunk()
        (tag,) = self.add(lambda: get_or_create_tags(self.reference.pk, [self.name], TagSource.MANUAL))
        self.add(lambda: TagLink.objects.create(chunk=chunk, tag=tag, source=TagSource.MANUAL))
        return chunk

    def member(self, role: Role = Role.VIEWER) -> Membership:
        user = User.objects.create_user(f"{uuid4().hex}@example.org")
        membership: Membership = self.add(lambda: Membership.objects.create(user=user, role=role))
        return membership
