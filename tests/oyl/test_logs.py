"""What is logged, and how settings that cannot be used are told."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command

from core.isolation.scope import tenant_scope
from core.isolation.tenant_directory import all_tenants
from jobs.handlers import handler_of
from jobs.queue import fail_all
from knowledge.models import Document, IngestionJob, Stage
from knowledge.services.references import get_or_create_reference
from oyl.logs import JsonLines, logging_config
from oyl.management.commands import demo
from tests.conftest import Person


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    values = {**os.environ, "OYL_ALLOW_ROOT": "true", **environment}
    return subprocess.run(command, env=values, capture_output=True, text=True, timeout=120, check=False)


def test_a_wrong_log_level_is_told_in_a_sentence():
    made = manage("version", LOG_LEVEL="BOGUS")
    assert made.returncode == 1
    assert made.stderr.strip() == "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, not 'BOGUS'."


def test_a_data_folder_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    made = manage("list_tenants", OYL_DATA_DIR=str(tmp_path / "file" / "data"))
    assert made.returncode == 1 and "Traceback" not in made.stderr
    assert "cannot be used: Not a directory. Let OYL's user write there" in made.stderr


def failed_job(person: Person) -> IngestionJob:
    reference = get_or_create_reference(actor=person.actor, workspace="Main", reference="Files")
    with tenant_scope(person.tenant_id):
        document = Document.objects.create(
            reference=reference,
            external_id="secret-name.txt",
            filename="secret-name.txt",
            file_path="x",
            size_bytes=1,
            sha256="0" * 64,
        )
        job: IngestionJob = IngestionJob.objects.create(
            document=document, generation=1, state="running", attempt=1, stage=Stage.PARSE
        )
    fail_all(
        handler_of(IngestionJob), person.tenant_id, [job], "password_protected", "It has one.", retry=None
    )
    return job


def test_a_failed_document_leaves_one_line(owner: Person, caplog: pytest.LogCaptureFixture):
    job = failed_job(owner)
    (record,) = [one for one in caplog.records if one.name == "jobs.queue"]
    line = record.getMessage()
    for fact in (
        f"tenant {owner.tenant_id}",
        f"document {job.document_id}",
        "stage parse",
        "error password_protected",
    ):
        assert fact in line
    assert "secret-name" not in line and "\n" not in line


def test_lines_of_json_have_the_facts(owner: Person, caplog: pytest.LogCaptureFixture):
    job = failed_job(owner)
    (record,) = [one for one in caplog.records if one.name == "jobs.queue"]
    values = json.loads(JsonLines().format(record))
    assert values["document"] == str(job.document_id) and values["tenant"] == str(owner.tenant_id)
    assert (values["stage"], values["error"], values["level"]) == ("parse", "password_protected", "WARNING")


def test_a_traceback_stays_in_its_line():
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "f", 1, "it failed", None, sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line and "ValueError: no" in json.loads(line)["traceback"]


@pytest.mark.parametrize(("level", "of_tasks"), [("INFO", "WARNING"), ("DEBUG", "INFO")])
def test_celery_tells_of_each_task_only_when_debugging(level: str, of_tasks: str):
    loggers = logging_config(level, has_access_log=True, is_json=False)["loggers"]
    assert loggers["celery.app.trace"]["level"] == loggers["celery.worker.strategy"]["level"] == of_tasks


def test_the_demo_may_be_made_again(database: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    name = f"Demo {uuid4().hex[:12]}"
    monkeypatch.setattr(demo, "TENANT", name)
    monkeypatch.setattr(demo, "EMAIL", f"{uuid4().hex[:12]}@example.org")
    path = settings.LAYOUT.data / "demo.json"
    call_command("demo")
    first = path.read_text()
    (tenant_id,) = [pk for pk, one in all_tenants().items() if one == name]
    with tenant_scope(tenant_id):
        documents = Document.objects.count()
    call_command("demo")
    assert path.read_text() == first and list(all_tenants().values()).count(name) == 1
    with tenant_scope(tenant_id):
        assert Document.objects.count() == documents > 10
    path.unlink()
