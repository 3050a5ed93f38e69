"""`manage.py create_operator EMAIL [--new-password]`"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from core.commands import OylCommand, email_address
from tenants.operators import create_operator, reset_operator_password


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPassword:
    email: str
    password: str


class Command(OylCommand):
    help = "Make an operator, as the role that owns the tables. The password is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", type=email_address)
        parser.add_argument(
            "--new-password", action="store_true", help="give an operator, who exists already, a new password"
        )

    def run(self, *args: Any, email: str, new_password: bool, **options: Any) -> OperatorPassword:
        service = reset_operator_password if new_password else create_operator
        return OperatorPassword(email=email, password=service(email=email))

    def describe(self, result: OperatorPassword) -> str:
        return f"Sign in   {result.email}\nPassword  {result.password}"
