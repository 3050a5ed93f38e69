"""`manage.py doctor`"""

from __future__ import annotations

from typing import Any

from core.commands import OylCommand
from oyl.doctor import Check, State, run_checks


class Command(OylCommand):
    help = "Look at every component, and say what to do about what is wrong."

    def run(self, *args: Any, **options: Any) -> list[Check]:
        return run_checks()

    def describe(self, result: list[Check]) -> str:
        lines = []
        for check in result:
            lines.append(f"{check.state:<5} {check.component:<16} {check.detail}")
            if check.advice:
                lines.append(f"{'':22} → {check.advice}")
        return "\n".join(lines)

    def problem(self, result: list[Check]) -> str:
        failed = [check.component for check in result if check.state is State.FAIL]
        return f"Not fit for work: {', '.join(failed)}." if failed else ""
