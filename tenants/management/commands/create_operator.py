"""`manage.py create_operator EMAIL [--new-password | --switch-off | --switch-on]`"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from core.commands import OylCommand, email_address
from tenants.operators import create_operator, reset_operator_password, switch_operator


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLink:
    """`link` is None if the password was not changed."""

    email: str
    link: str | None


class Command(OylCommand):
    help = "Make an operator, as the role that owns the tables, and a link to choose the password."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("email", type=email_address)
        existing = parser.add_mutually_exclusive_group()
        for change, what in (
            ("new-password", "a new link for an operator, whose present password ends"),
            ("switch-off", "end an operator's sessions, and let them sign in no more"),
            ("switch-on", "let an operator who was switched off sign in again"),
        ):
            existing.add_argument(f"--{change}", dest="change", action="store_const", const=change, help=what)

    def run(self, *args: Any, email: str, change: str | None, **options: Any) -> OperatorLink:
        if change in ("switch-off", "switch-on"):
            switch_operator(email=email, on=change == "switch-on")
            return OperatorLink(email=email, link=None)
        service = reset_operator_password if change else create_operator
        return OperatorLink(email=email, link=service(email=email))

    def describe(self, result: OperatorLink) -> str:
        if result.link is None:
            return f"{result.email} is changed."
        return (
            f"Operator  {result.email}\nLink      {result.link}\n"
            "Open the link to choose a password. It works once, within 7 days."
        )
