"""The outside services that integrations name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.views.decorators.debug import sensitive_variables

from core.isolation.scope import tenant_scope
from core.webhook_signatures import signed_headers
from workflows.steps.base import StepContext, StepError
from workflows.steps.reach import own_row
from workspaces.integrations import IntegrationError
from workspaces.models import IntegrationConfig, IntegrationType


@dataclass(frozen=True, slots=True)
class Service:
    """`url` has no / at its end; it is empty if no integration is chosen."""

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)

    def signature(self, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
        """The headers of Standard Webhooks; none without a secret."""
        return signed_headers(message_id, at, body, [self.secret]) if self.secret else {}


@sensitive_variables()
def service_of(context: StepContext) -> Service:
    """That of the step's integration. Opens a scope. Raises StepError."""
    chosen = context.config.get("integration")
    if not chosen:
        return Service()
    with tenant_scope(context.tenant_id):
        integration = own_row(context, IntegrationConfig, chosen)
        config = _stored(integration)
    token = {"Authorization": f"Bearer {config['token']}"} if config.get("token") else {}
    return Service(
        config["url"].rstrip("/"), {**token, **config.get("headers", {})}, config.get("secret", "")
    )


@sensitive_variables()
def _stored(integration: IntegrationConfig) -> dict[str, Any]:
    if integration.type_enum != IntegrationType.WEBHOOK:
        raise StepError("no_service", name=integration.name)
    try:
        return integration.read_config()
    except IntegrationError:
        raise StepError("no_service", name=integration.name) from None
