"""Imports and queries through the commands, for tests."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests.conftest import Person


def run(command: str, *arguments: str, owner: Person) -> Any:
    out = StringIO()
    call_command(command, *arguments, "--tenant", str(owner.tenant_id), "--json", stdout=out)
    return json.loads(out.getvalue())


def import_file(owner: Person, path: Path, *options: str, name: str = "Sales") -> Any:
    return run("import_data", str(path), "--workspace", "Shops", "--name", name, *options, owner=owner)


def query(owner: Person, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = run("query", sql, owner=owner)
    return rows
