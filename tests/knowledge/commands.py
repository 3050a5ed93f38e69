"""Calls of management commands for a person's tenant."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import Person


def run(name: str, *args: Any, person: Person) -> Any:
    """The command's JSON."""
    out = io.StringIO()
    call_command(name, *map(str, args), "--tenant", str(person.tenant_id), "--json", stdout=out)
    return json.loads(out.getvalue())


def run_failing(name: str, *args: Any, person: Person) -> tuple[Any, str]:
    """The JSON of a command that fails, and its error message."""
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command(name, *map(str, args), "--tenant", str(person.tenant_id), "--json", stdout=out)
    return json.loads(out.getvalue() or "null"), str(error.value)
