"""Reports of harnesses and benchmarks: one JSON file each, and the tables in the docs that are generated from them.

`python -m benchmarks.reports` writes the tables; a test fails if a table differs from its file.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "reports"
PAGES = (ROOT / "docs/benchmarks.md", ROOT / "docs/reliability.md")
BLOCK = re.compile(r"<!-- report: (?P<name>[a-z-]+) -->\n(?P<table>.*?)<!-- end -->", re.DOTALL)
Row = dict[str, Any]


def save(name: str, *, command: str, rows: Sequence[Row]) -> Path:
    """Write a run's report. All rows have the same keys, which become the table's columns: most often
    {"What": …, "Measured": …, "Target": …}."""
    report = {
        "command": command,
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "rows": list(rows),
    }
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return path


class BenchmarkReport:
    """Collects a benchmark's rows, and prints them as they come."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.missed: list[str] = []

    def add(self, what: str, measured: object, target: str = "–", *, met: bool = True) -> None:
        print(f"{what}: {measured}", file=sys.stderr)  # noqa: T201
        self.rows.append({"What": what, "Measured": str(measured), "Target": target})
        if not met:
            self.missed.append(what)

    def save(self, name: str, *arguments: str) -> None:
        """Write the report. Ends the program with an error if a target was missed."""
        save(name, command=" ".join((f"python -m benchmarks.{name}", *arguments)), rows=self.rows)
        if self.missed:
            sys.exit(f"Missed: {'; '.join(self.missed)}.")


def table(name: str) -> str:
    """Return the report as Markdown."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return "Not measured yet.\n"
    report = json.loads(path.read_text())
    columns = list(report["rows"][0])
    lines = [
        columns,
        ["---"] * len(columns),
        *([row[column] for column in columns] for row in report["rows"]),
    ]
    body = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    return f"`{report['command']}`, {report['measured']}, {report['machine']}:\n\n{body}\n"


def rendered(page: str) -> str:
    """Return the page with each report's table generated again."""
    return BLOCK.sub(
        lambda block: f"<!-- report: {block['name']} -->\n{table(block['name'])}<!-- end -->", page
    )


def main() -> None:
    for page in PAGES:
        page.write_text(rendered(page.read_text()))


if __name__ == "__main__":
    main()
