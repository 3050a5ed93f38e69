"""`manage.py create_tenant NAME --admin-email E`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from core.commands import OylCommand, email_address, new_name
from tenants.services.organisations import NewTenant, create_tenant


class Command(OylCommand):
    help = "Make a tenant and its owner, whose password is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", type=new_name)
        parser.add_argument("--admin-email", type=email_address, required=True)

    def run(self, *args: Any, name: str, admin_email: str, **options: Any) -> NewTenant:
        return create_tenant(name=name, admin_email=admin_email)

    def describe(self, result: NewTenant) -> str:
        password = result.password or "unchanged, as this user existed before"
        return f"Tenant    {result.tenant_id}\nSign in   {result.admin_email}\nPassword  {password}"
