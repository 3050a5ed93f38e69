"""OYL's version is written in one place, and shown in four."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings
from django.test import Client

from oyl.version import VERSION
from tests.conftest import Person


def test_version_is_shown_by_the_command_line():
    for arguments in (["version"], ["--version"]):
        shown = subprocess.check_output(
            [sys.executable, "manage.py", *arguments], cwd=settings.BASE_DIR, text=True
        )
        assert shown == f"{VERSION}\n"


def test_version_is_shown_by_healthz():
    assert Client().get("/healthz").json() == {"status": "ok", "version": VERSION}


def test_version_is_in_the_openapi_document(database: None):
    document = Client().get("/api/schema/", headers={"Accept": "application/json"}).json()
    assert document["info"]["version"] == VERSION


def test_version_is_in_the_footer_of_admin_pages(owner: Person):
    client = Client()
    client.force_login(owner.user)
    assert f"OYL {VERSION}</footer>" in client.get("/admin/").content.decode()
    assert f"OYL {VERSION}</footer>" in client.get("/admin/knowledge/document/").content.decode()


def test_version_is_written_in_one_place():
    tracked = ["pyproject.toml", "docker-compose.yml", "Dockerfile", "README.md"]
    assert [name for name in tracked if VERSION in (settings.BASE_DIR / name).read_text()] == []
