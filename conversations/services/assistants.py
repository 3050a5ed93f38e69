"""Making an assistant ready to be asked, in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from assistants.instructions import Source, publish_instruction
from assistants.models import Assistant, Teammate
from audit.services import save_audited
from core.actors import Actor
from core.errors import ConflictError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import KnowledgeBase
from knowledge.services.references import create_knowledge_base, set_references
from workspaces.models import IntegrationConfig, IntegrationType, Workspace
from workspaces.services import get_or_create_workspace

KNOWLEDGE_BASE = "Knowledge"


class AmbiguousAssistantError(ConflictError):
    """Several workspaces have one of this name."""


def find_partner(tenant_id: UUID, model: type[Assistant] | type[Teammate], name_or_id: str) -> UUID:
    """The assistant or teammate of that name or id. Raises NotFoundError, AmbiguousAssistantError."""
    with tenant_scope(tenant_id):
        names: dict[UUID, str] = dict(model.objects.values_list("pk", "name"))
    ids = [pk for pk, name in names.items() if name_or_id in (str(pk), name)]
    kind = model._meta.verbose_name
    if not ids:
        raise NotFoundError(f"There is no {kind} '{name_or_id}'.")
    if len(ids) > 1:
        raise AmbiguousAssistantError(f"Several workspaces have a {kind} '{name_or_id}'. Give its id.")
    return ids[0]


def prepare_assistant(
    *,
    actor: Actor,
    workspace: str,
    name: str,
    references: Sequence[UUID] | None = None,
    instruction: str | None = None,
    model: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Assistant:
    """Create what is missing, by name: the workspace, the assistant, and its knowledge base, which then reads exactly the
    `references`; publish the `instruction`; add the `settings`; and let the `model` answer, an integration of that name in
    the workspace or a model's own name. What is None stays as it is. Raises ReferenceNotFoundError, and ValidationError for
    a name or a setting that is not valid."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        parent = get_or_create_workspace(actor=actor, name=workspace)
        existing = Assistant.objects.filter(workspace=parent, name=name).first()
        assistant: Assistant = existing or Assistant(workspace=parent, name=name)
        if instruction is not None:
            assistant.instruction = instruction
        assistant.settings_json = {**assistant.settings_json, **(settings or {})}
        if model is not None:
            assistant.settings_json = {**assistant.settings_json, "model": _named_model(parent, model)}
        assistant.full_clean()
        save_audited(actor=actor, instance=assistant)
        base = _knowledge_base(actor, assistant)
        if references is not None:
            set_references(actor=actor, knowledge_base=base, reference_ids=references)
        if instruction:
            publish_instruction(actor=actor, assistant=assistant, source=Source.INSTRUCTION)
    return assistant


def _knowledge_base(actor: Actor, assistant: Assistant) -> KnowledgeBase:
    found: KnowledgeBase | None = KnowledgeBase.objects.filter(
        assistant=assistant, name=KNOWLEDGE_BASE
    ).first()
    return found or create_knowledge_base(actor=actor, assistant_id=assistant.pk, name=KNOWLEDGE_BASE)


def _named_model(workspace: Workspace, name: str) -> Mapping[str, Any]:
    rows = IntegrationConfig.objects.filter(workspace=workspace, type_enum=IntegrationType.CHAT_MODEL)
    found = rows.filter(name=name).first()
    return {"integration": str(found.pk)} if found else {"name": name}
