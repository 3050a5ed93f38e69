"""A workspace whose events are sent to a server of the test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from audit.sealing import seal
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from jobs.worker import work
from tests.conftest import Person
from tests.knowledge.libraries import Library, make_library
from tests.workflows.conftest import ServiceServer, service
from webhooks.events import TYPES
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookSubscription
from webhooks.sending import DeliveryHandler
from webhooks.services import save_subscription

__all__ = ["service"]


@dataclass(slots=True)
class Line:
    """A subscription with its receiver."""

    library: Library
    service: ServiceServer
    subscription: WebhookSubscription
    secret: str

    @property
    def person(self) -> Person:
        return self.library.person

    @property
    def tenant_id(self) -> UUID:
        return self.library.tenant_id

    def deliver(self) -> int:
        """Seal what has happened, and work on all deliveries that are due; returns the number of attempts."""
        seal(self.tenant_id)
        attempts = 0
        while work(DeliveryHandler(), self.tenant_id):
            attempts += 1
        return attempts

    def received(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, _, body in self.service.requests]

    def types(self) -> list[str]:
        return [one["type"] for one in self.received()]

    def deliveries(self) -> list[WebhookDelivery]:
        with tenant_scope(self.tenant_id):
            rows = WebhookDelivery.objects.filter(subscription=self.subscription).select_related(None)
            return list(rows.order_by("number"))

    def attempts(self) -> list[WebhookAttempt]:
        with tenant_scope(self.tenant_id):
            return list(WebhookAttempt.objects.filter(delivery__subscription=self.subscription))

    def reread(self) -> WebhookSubscription:
        with tenant_scope(self.tenant_id):
            found: WebhookSubscription = WebhookSubscription.with_deleted.get(pk=self.subscription.pk)
            self.subscription = found
            return found

    def end_waits(self, older: timedelta = timedelta(0)) -> None:
        """As if the time had come until which a delivery waits, and its first attempt was so long ago."""
        with tenant_scope(self.tenant_id):
            rows = WebhookDelivery.objects.filter(state=JobState.QUEUED)
            for row in rows:
                begun = row.started_at and row.started_at - older
                rows.filter(pk=row.pk).update(available_at="2020-01-01T00:00Z", started_at=begun)

    def answer(self, status: int) -> None:
        self.service.response = (status, {"Content-Type": "text/plain"}, b"Here is the receiver.")


def subscribe(library: Library, service: ServiceServer, **columns: Any) -> Line:
    with tenant_scope(library.tenant_id):
        given = {
            "name": "Mirror",
            "events_json": [*TYPES],
            "workspace": library.reference.workspace,
            **columns,
        }
        subscription = WebhookSubscription(**given)
        subscription.full_clean()
        secret = save_subscription(
            actor=library.person.actor, subscription=subscription, url=f"{service.url}/hook"
        )
    return Line(library, service, subscription, secret)


@pytest.fixture
def line(owner: Person, tmp_path: Path, service: ServiceServer) -> Line:
    return subscribe(make_library(owner, tmp_path), service)
