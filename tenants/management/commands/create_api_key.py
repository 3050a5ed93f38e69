"""`manage.py create_api_key NAME --tenant T`"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from core.actors import Actor
from core.commands import TenantCommand, new_name
from core.permissions import key_scopes
from tenants.services.api_keys import create_api_key
from tenants.services.members import member_named


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    key: str
    acts_for: str


class Command(TenantCommand):
    help = "Make an API key, which is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", type=new_name)
        parser.add_argument(
            "--user", metavar="EMAIL", help="for whom it acts: the first owner, unless somebody is named"
        )
        parser.add_argument(
            "--scope",
            action="append",
            choices=key_scopes(),
            help="what it opens: everything, unless some are named",
        )

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> NewKey:
        member = member_named(actor.tenant_id, options["user"])
        scopes = options["scope"] or key_scopes()
        made = create_api_key(actor=actor, name=options["name"], scopes=scopes, member=member)
        return NewKey(key=made.secret, acts_for=member.user.email)

    def describe(self, result: NewKey) -> str:
        """Only the key, so that a shell can store it in a variable."""
        return result.key
