"""`manage.py up`: all of OYL in one terminal."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from oyl.embedded.errors import ServiceError
from oyl.embedded.up import up


class Command(BaseCommand):
    help = "Run everything: the embedded services, web, worker and beat, until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            up(sys.stdout)
        except ServiceError as error:
            raise CommandError(str(error)) from error
