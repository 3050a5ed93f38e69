"""Trying the integrations of chat models: do they answer, and which models do they have?"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from uuid import UUID

from audit.services import record
from core.actors import Actor
from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from engines import chat
from engines.chat import ChatEndpointConfig, ChatError, ChatRequest, Message, Sampling
from workspaces.chat_models import chat_config
from workspaces.models import IntegrationConfig, IntegrationType

# Somebody waits for the outcome.
TEST_SECONDS = 30.0
QUESTION = ChatRequest(
    messages=[Message(role=chat.Role.USER, text="Answer with one word: does it work?")],
    sampling=Sampling(max_tokens=64),
)


class IntegrationFailedError(InvalidError):
    """The outside service does not do what it should."""


class NotTestableError(InvalidError):
    """Only chat models can be tested so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """`code` is one of `core.error_codes`, "" if it works; `detail` is a sentence for people."""

    ok: bool
    code: str
    detail: str


def check_connection(*, actor: Actor, integration_id: UUID) -> ConnectionTest:
    """Ask the integration's chat model something. Not inside a scope. Raises NotTestableError."""
    begin = time.monotonic()
    try:
        config = _config(actor, integration_id)
        limited = replace(config, first_seconds=TEST_SECONDS, total_seconds=TEST_SECONDS)
        reply = chat.get_chat_model(limited).complete(actor.tenant_id, QUESTION)
    except ChatError as error:
        outcome = ConnectionTest(ok=False, code=error.code, detail=error.detail)
    else:
        detail = f"'{reply.model}' has answered within {time.monotonic() - begin:.1f} s."
        outcome = ConnectionTest(ok=True, code="", detail=detail)
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


def list_models(*, actor: Actor, integration_id: UUID) -> list[str]:
    """The models that the endpoint lists. Not inside a scope. Raises NotTestableError and IntegrationFailedError."""
    try:
        return chat.model_names(_config(actor, integration_id))
    except ChatError as error:
        raise IntegrationFailedError(error.detail) from error


def _config(actor: Actor, integration_id: UUID) -> ChatEndpointConfig:
    """Raises ChatError."""
    actor.require(Role.ADMIN)
    with tenant_scope(actor.tenant_id):
        kind = IntegrationConfig.objects.get(pk=integration_id).type_enum
        if kind != IntegrationType.CHAT_MODEL:
            raise NotTestableError
        config = chat_config(integration_id)
    assert config, "the integration has an id"
    return config
