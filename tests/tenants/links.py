"""Invitations, as the person who is invited gets them."""

from __future__ import annotations

from core.permissions import Role
from tenants.services.invitations import invite
from tests.conftest import Person


def link_for(tenant: Person, email: str, role: Role = Role.VIEWER) -> str:
    link = invite(actor=tenant.actor, email=email, role=role).link
    assert link
    return link
