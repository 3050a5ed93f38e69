"""The migrations match the models."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command


@pytest.mark.usefixtures("database")
def test_no_migration_is_missing():
    """`makemigrations --check` raises SystemExit when one is."""
    stdout = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=stdout)
    assert stdout.getvalue() == "No changes detected\n"
