"""Trying integrations: does the outside service answer, and which models does a chat model's endpoint have?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from audit.services import record
from core.actors import Actor
from core.errors import EngineError, InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines import chat
from engines.chat import ChatEndpointConfig, ChatError
from workspaces.chat_models import chat_config
from workspaces.integrations import KINDS
from workspaces.models import IntegrationConfig, IntegrationType


class IntegrationFailedError(InvalidError):
    """The outside service does not do what it should."""


class NoModelsError(InvalidError):
    """Only the integrations of chat models have a list of models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """`code` is one of `core.error_codes`, "" if it works; `detail` is a sentence for people."""

    ok: bool
    code: str
    detail: str


def check_connection(*, actor: Actor, integration_id: UUID) -> ConnectionTest:
    """Let the integration's type try the connection. Not inside a scope."""
    actor.require(Role.ADMIN)
    try:
        kind, config = _stored(actor, integration_id)
        outcome = ConnectionTest(ok=True, code="", detail=KINDS[kind].check(config, actor.tenant_id))
    except EngineError as error:
        outcome = ConnectionTest(ok=False, code=error.code, detail=error.detail)
    with tenant_scope(actor.tenant_id):
        tested = IntegrationConfig.objects.get(pk=integration_id)
        record(
            actor=actor,
            action="integration_config.tested",
            target=tested,
            workspace_id=tested.workspace_id,
            code=outcome.code,
        )
    return outcome


@sensitive_variables()
def _stored(actor: Actor, integration_id: UUID) -> tuple[str, dict[str, Any]]:
    """The type and the configuration. Raises IntegrationError."""
    with tenant_scope(actor.tenant_id):
        integration = IntegrationConfig.objects.get(pk=integration_id)
        return integration.type_enum, integration.read_config()


def list_models(*, actor: Actor, integration_id: UUID) -> list[str]:
    """The models that the endpoint lists. Not inside a scope. Raises NoModelsError and IntegrationFailedError."""
    try:
        return chat.model_names(_chat_config(actor, integration_id))
    except ChatError as error:
        raise IntegrationFailedError(error.detail) from error


def _chat_config(actor: Actor, integration_id: UUID) -> ChatEndpointConfig:
    """Raises ChatError."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        kind = IntegrationConfig.objects.get(pk=integration_id).type_enum
        if kind != IntegrationType.CHAT_MODEL:
            raise NoModelsError
        config = chat_config(integration_id)
    assert config, "the integration has an id"
    return config
