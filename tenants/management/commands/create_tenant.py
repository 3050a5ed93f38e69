"""`manage.py create_tenant NAME --admin-email E`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from core.commands import OylCommand, email_address, new_name
from tenants.services.organisations import NewTenant, create_tenant


class Command(OylCommand):
    help = "Make a tenant, and a link by which its owner joins."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", type=new_name)
        parser.add_argument("--admin-email", type=email_address, required=True)

    def run(self, *args: Any, name: str, admin_email: str, **options: Any) -> NewTenant:
        return create_tenant(name=name, admin_email=admin_email)

    def describe(self, result: NewTenant) -> str:
        return (
            f"Tenant      {result.tenant_id}\nOwner       {result.admin_email}\nInvitation  {result.link}\n"
            "Hand the link over: there the owner chooses a password. It works once, within 7 days."
        )
