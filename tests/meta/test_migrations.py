"""The migrations make what the models say."""

from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.usefixtures("database")
def test_no_migration_is_missing():
    """`makemigrations --check` ends the process with 1 when one is."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
