"""The chat model that an assistant's settings name."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from engines.chat import ChatEndpointConfig, ChatError, ChatModel, get_chat_model
from engines.chat.model_file import LOCAL, RunningModel
from workspaces.integrations import IntegrationError
from workspaces.integrations import chat_model as form
from workspaces.models import IntegrationConfig, IntegrationType


def chat_model_named(
    integration_id: UUID | None, model: str = "", *, fallback: tuple[UUID | None, str] | None = None
) -> ChatModel | None:
    """The integration's model, or another one of its endpoint; with the name "local" and without an integration, that of the
    model file. `fallback` names another one in the same way. None without either: the answer is extractive. Needs the
    tenant's scope. Raises ChatError."""
    config = chat_config(integration_id, model)
    if config is None:
        return None
    return get_chat_model(replace(config, fallback=chat_config(*fallback)) if fallback else config)


@sensitive_variables()
def chat_config(integration_id: UUID | None, model: str = "") -> ChatEndpointConfig | None:
    """Needs the tenant's scope. Raises ChatError."""
    if integration_id is None:
        return _without_integration(model) if model else None
    found = IntegrationConfig.objects.filter(pk=integration_id, type_enum=IntegrationType.CHAT_MODEL).first()
    if found is None:
        raise ChatError("chat_not_configured", reason="the integration was deleted")
    return form.endpoint_config(_stored(found), model)


def _without_integration(model: str) -> ChatEndpointConfig:
    """The model file's is the only one. Its address changes when it is started again."""
    if model != LOCAL:
        raise ChatError("chat_not_configured", reason=f"no integration is chosen for the model '{model}'")
    running = RunningModel.read(settings.LAYOUT.chat_model)
    if running is None:
        raise ChatError("chat_no_model_file")
    return running.config()


@sensitive_variables()
def _stored(integration: IntegrationConfig) -> dict[str, object]:
    try:
        return integration.read_config()
    except IntegrationError as error:
        raise ChatError("chat_not_configured", reason=error.reason) from error
