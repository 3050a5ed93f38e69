"""`manage.py create_operator EMAIL [--new-password | --switch-off | --switch-on]`"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from core.commands import OylCommand, email_address
from tenants.operators import create_operator, reset_operator_password, switch_operator


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPassword:
    """`password` is None if it was not changed."""

    email: str
    password: str | None


class Command(OylCommand):
    help = "Make an operator, as the role that owns the tables. The password is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", type=email_address)
        existing = parser.add_mutually_exclusive_group()
        for change, what in (
            ("new-password", "give an operator, who exists already, a new password"),
            ("switch-off", "end an operator's sessions, and let them sign in no more"),
            ("switch-on", "let an operator who was switched off sign in again"),
        ):
            existing.add_argument(f"--{change}", dest="change", action="store_const", const=change, help=what)

    def run(self, *args: Any, email: str, change: str | None, **options: Any) -> OperatorPassword:
        if change in ("switch-off", "switch-on"):
            switch_operator(email=email, on=change == "switch-on")
            return OperatorPassword(email=email, password=None)
        service = reset_operator_password if change else create_operator
        return OperatorPassword(email=email, password=service(email=email))

    def describe(self, result: OperatorPassword) -> str:
        if result.password is None:
            return f"{result.email} is changed."
        return f"Sign in   {result.email}\nPassword  {result.password}"
