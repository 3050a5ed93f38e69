"""`manage.py services start|stop|status`: the embedded services without web, worker and beat."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from oyl.embedded import background, instance
from oyl.embedded.errors import ServiceError
from oyl.embedded.services import programs


class Command(BaseCommand):
    help = "Run the embedded services in the background, for commands and tests without `up`."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["start", "stop", "status"])
        parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            if action == "start":
                background.start(settings.LAYOUT)
            elif action == "stop":
                is_stopped = background.stop(settings.LAYOUT)
                running = None if is_stopped else instance.running_instance(settings.LAYOUT)
                if running:
                    raise ServiceError(
                        f"The services belong to `manage.py {running.kind}` (process {running.pid}) and stop with it."
                    )
        except ServiceError as error:
            raise CommandError(str(error)) from error
        status = self._status()
        lines = [f"{name:<10}{state}" for name, state in status["services"].items()]
        if owner := status["owner"]:
            lines.append(f"They belong to `manage.py {owner['kind']}` (process {owner['pid']}).")
        self.stdout.write(json.dumps(status) if options["json"] else "\n".join(lines))

    def _status(self) -> dict[str, Any]:
        owner = instance.running_instance(settings.LAYOUT)
        return {
            "data": str(settings.OYL_DATA_DIR),
            "owner": {"kind": owner.kind, "pid": owner.pid, "address": owner.address} if owner else None,
            "services": {
                program.name: "running" if program.is_ready() else "stopped" for program in programs()
            },
        }
