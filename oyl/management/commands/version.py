"""`manage.py version`: OYL's version instead of Django's."""

from __future__ import annotations

from typing import Any

import django

from core.commands import OylCommand
from oyl.version import VERSION


class Command(OylCommand):
    help = "Print OYL's version."

    def run(self, *args: Any, **options: Any) -> dict[str, str]:
        return {"version": VERSION, "django": django.get_version()}

    def describe(self, result: dict[str, str]) -> str:
        return result["version"]
