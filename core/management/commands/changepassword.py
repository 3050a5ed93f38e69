"""`manage.py changepassword`: Django's command would use a role that may not do this, and would record nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Replaced by create_operator."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(
            "`create_operator --new-password` sets an operator's password; a user gets a link from an operator."
        )
