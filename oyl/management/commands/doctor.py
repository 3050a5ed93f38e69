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
        return "\n".join(map(_line, result))

    def problem(self, result: list[Check]) -> str:
        failed = [check.component for check in result if check.state is State.FAIL]
        return f"Not fit for work: {', '.join(failed)}." if failed else ""


def _line(check: Check) -> str:
    line = f"{check.state:<5} {check.component:<16} {check.detail}"
    return f"{line}\n{'':22} → {check.advice}" if check.advice else line
