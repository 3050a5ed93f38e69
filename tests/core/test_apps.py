"""Apps announce what they bring in their AppConfig, completely and correctly."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.utils.module_loading import import_string

from core.apps import Area, OylAppConfig, oyl_apps
from core.isolation.check import lookup_functions, shared_tables
from core.permissions import bound_kinds, key_scopes
from jobs.handlers import handlers
from jobs.models import LeasedJob
from oyl.celery import app as celery
from oyl.celery import beat_schedule
from oyl.routes import router

VIEW_SETS = [view for _, view, _ in router.registry]
CONSUMED_QUEUES = {"ingest", "maintenance", "webhooks", "workflows"}


@pytest.mark.parametrize("view", VIEW_SETS, ids=lambda view: view.__name__)
def test_area_of_each_view_is_announced(view: Any):
    assert not view.area or f"{view.area}:read" in key_scopes()


@pytest.mark.parametrize("view", VIEW_SETS, ids=lambda view: view.__name__)
def test_view_is_bound_by_announced_kinds(view: Any):
    assert set(view.bound_by) <= set(bound_kinds())


def test_each_area_is_announced_once():
    areas = [area.name for config in oyl_apps() for area in config.areas]
    assert len(set(areas)) == len(areas)


def test_bound_kinds_are_models():
    assert all(apps.get_model(label) for label in bound_kinds().values())


def test_shared_tables_exist(database: None):
    assert set(shared_tables()) <= set(connection.introspection.table_names())


def test_lookup_functions_exist(database: None):
    with connection.cursor() as cursor:
        for signature in lookup_functions():
            cursor.execute("SELECT to_regprocedure(%s) IS NOT NULL", [signature])
            assert cursor.fetchone()[0], signature


def test_schedules_name_tasks_in_a_queue_that_workers_consume():
    celery.loader.import_default_modules()
    for name, entry in beat_schedule().items():
        queue = getattr(celery.tasks[entry["task"]], "queue", None) or celery.conf.task_default_queue
        assert queue in CONSUMED_QUEUES, name


def test_sidebar_leads_to_pages():
    registered = {model._meta.label_lower for model in admin.site._registry}
    for config in oyl_apps():
        for page in config.sidebar:
            assert page.view or page.model in registered, page


def test_dotted_paths_can_be_imported():
    for config in oyl_apps():
        hooks = (config.on_deletion, config.on_events, config.on_sealed)
        for path in (config.routes, config.usage, config.home, *hooks, *config.job_handlers):
            assert not path or import_string(path), path


def test_each_kind_of_job_has_a_handler_and_is_looked_up():
    kinds = [model for model in apps.get_models() if issubclass(model, LeasedJob)]
    assert sorted(handler.model._meta.label for handler in handlers()) == sorted(
        model._meta.label for model in kinds
    )
    looked_up = lookup_functions()["oyl_tenants_with_due_jobs(text[])"]
    assert {model._meta.db_table for model in kinds} <= set(looked_up)
    assert {handler.queue for handler in handlers()} <= CONSUMED_QUEUES


def test_new_app_is_known_by_what_it_announces(monkeypatch: pytest.MonkeyPatch):
    """Without a change in any other place."""

    class NotesConfig(OylAppConfig):
        name = "notes"
        areas = (Area("notes"),)
        bound_kinds = {"note": "notes.Note"}
        shared_tables = {"words": "the same for everybody"}

    import core as package

    monkeypatch.setitem(apps.app_configs, "notes", NotesConfig("notes", package))
    assert {"notes:read", "notes:write"} <= set(key_scopes())
    assert bound_kinds()["note"] == "notes.Note"
    assert shared_tables()["words"]
