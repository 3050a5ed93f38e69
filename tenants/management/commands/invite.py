"""`manage.py invite EMAIL --tenant T [--role ROLE]`"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from core.actors import Actor
from core.commands import TenantCommand, email_address
from core.permissions import Role
from tenants.services.invitations import invite


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    email: str
    role: str
    link: str | None


class Command(TenantCommand):
    help = (
        "Make a link by which a person joins the tenant. An earlier link for the same address stops working."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", type=email_address)
        parser.add_argument("--role", choices=Role.values, default=Role.VIEWER)

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> NewLink:
        made = invite(actor=actor, email=options["email"], role=Role(options["role"]))
        return NewLink(email=made.invitation.email, role=made.invitation.role, link=made.link)

    def describe(self, result: NewLink) -> str:
        """Only the link, so that a shell can store it in a variable."""
        return str(result.link)
