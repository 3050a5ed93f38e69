"""Rows of people, and what they have in their hands."""

from __future__ import annotations

import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from core.isolation.scope import tenant_scope
from tenants.models import Membership
from tests.conftest import Person

TURN_ON = reverse("admin:turn_on_second_factor")


def membership_of(person: Person) -> Membership:
    with tenant_scope(person.tenant_id):
        membership: Membership = Membership.objects.select_related("user").get(user=person.user)
        return membership


def code_of(secret: str, steps: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def turned_on(client: Client) -> tuple[str, list[str]]:
    """The secret and the recovery codes. The code of half a minute ago is used, so that the present one is left."""
    secret = client.get(TURN_ON).context["secret"]
    page = client.post(TURN_ON, {"code": code_of(secret, -1)})
    return secret, page.context["codes"]
