"""Importing files: a file is stored, its form is recognised, and the import starts when a person has agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from audit.services import record
from core.actors import Actor
from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from core.json_values import JSON_LENGTH, json_text, storable
from core.models import new_id
from core.names import printable
from core.permissions import Role
from core.storage import local_copy, remove
from engines.tables import FORMATS, TYPES, ReadOptions, TableError, get_tables
from jobs.queue import notify_workers
from jobs.states import JobState
from workspaces.data_sources import files
from workspaces.data_sources.errors import (
    DataImportStartedError,
    DataSourceNotFoundError,
    TableRefusedError,
)
from workspaces.models import DataImport, DataSource, Workspace

QUEUE = "ingest"
_TEXTS = ("format", "encoding", "delimiter", "quote", "decimal_separator", "date_format", "sheet")


class ReadOptionsInvalidError(InvalidError):
    """The options do not say how the file is read."""

    field = "options"


def get_or_create_data_source(*, actor: Actor, workspace: Workspace, name: str) -> DataSource:
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        if found := DataSource.objects.filter(workspace=workspace, name=name).first():
            return cast(DataSource, found)
        source: DataSource = DataSource.objects.create(workspace=workspace, name=name)
        record(
            actor=actor,
            action="data_source.created",
            target=source,
            workspace_id=workspace.pk,
            new={"name": name},
        )
    return source


def upload(
    *,
    actor: Actor,
    data_source_id: UUID,
    path: Path,
    filename: str,
    options: Mapping[str, Any] | None = None,
    starts: bool = False,
) -> DataImport:
    """Store a local file and recognise its form; not inside a scope. With `starts` it is imported at once, otherwise
    `start_import` does that. Raises DataSourceNotFoundError, ReadOptionsInvalidError and TableRefusedError."""
    actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        source = visible(data_source_id)
    given, name, import_id = read_options(options or {}), printable(filename), new_id()
    try:
        recognised = get_tables().recognise(path, name, given)
    except TableError as error:
        raise TableRefusedError(error) from error
    stored = files.store(files.UPLOADS, path, actor.tenant_id, source.pk, import_id)
    row = DataImport(
        id=import_id,
        tenant_id=actor.tenant_id,
        data_source=source,
        filename=name,
        source_path=stored,
        size_bytes=path.stat().st_size,
        options_json=dict(options or {}),
        recognised_json=storable(asdict(recognised)),
        state=JobState.QUEUED if starts else JobState.WAITING,
        available_at=Now() if starts else None,
    )
    try:
        _add(actor, row, source)
    except BaseException:
        remove([stored])
        raise
    return row


def _add(actor: Actor, row: DataImport, source: DataSource) -> None:
    is_started = row.state == JobState.QUEUED
    with tenant_scope(actor.tenant_id):
        row.save()
        record(
            actor=actor,
            action="data_import.started" if is_started else "data_import.uploaded",
            target=row,
            workspace_id=source.workspace_id,
            new={"filename": row.filename, "size_bytes": row.size_bytes},
        )
        if is_started:
            transaction.on_commit(partial(notify_workers, QUEUE))


def recognise_again(*, actor: Actor, import_id: UUID, options: Mapping[str, Any]) -> DataImport:
    """The form of a file that waits, with other options; not inside a scope. Raises as `upload`."""
    actor.require(Role.EDITOR)
    row = _waiting(actor, import_id)
    try:
        with local_copy(row.source_path) as path:
            recognised = get_tables().recognise(path, row.filename, read_options(options))
    except TableError as error:
        raise TableRefusedError(error) from error
    with tenant_scope(actor.tenant_id):
        row.options_json, row.recognised_json = dict(options), storable(asdict(recognised))
        row.save(update_fields=["options_json", "recognised_json", "updated_at"])
    return row


def start_import(*, actor: Actor, import_id: UUID, options: Mapping[str, Any] | None = None) -> DataImport:
    """Let workers import a file that waits, with the options in place of what was recognised. Raises
    DataImportStartedError and ReadOptionsInvalidError."""
    actor.require(Role.EDITOR)
    given = None if options is None else dict(options)
    read_options(given or {})
    with tenant_scope(actor.tenant_id):
        row = _waiting(actor, import_id, lock=True)
        if given is not None:
            row.options_json = given
        row.state, row.available_at = JobState.QUEUED, Now()
        row.save(update_fields=["options_json", "state", "available_at", "updated_at"])
        record(
            actor=actor,
            action="data_import.started",
            target=row,
            workspace_id=row.data_source.workspace_id,
            new={"options": row.options_json},
        )
        transaction.on_commit(partial(notify_workers, QUEUE))
    return row


def read_options(given: Mapping[str, Any]) -> ReadOptions:
    """Raises ReadOptionsInvalidError."""
    if len(json_text(given)) > JSON_LENGTH:
        raise ReadOptionsInvalidError(f"Options have at most {JSON_LENGTH:,} characters of JSON.")
    unknown = given.keys() - {*_TEXTS, "has_header", "types"}
    if unknown:
        raise ReadOptionsInvalidError(f"There is no option '{sorted(unknown)[0]}'.")
    types = given.get("types") or {}
    if not isinstance(types, dict) or not set(types.values()) <= TYPES.keys():
        raise ReadOptionsInvalidError(f"`types` has a type for a column, one of: {', '.join(TYPES)}.")
    texts = {name: given[name] for name in _TEXTS if given.get(name) is not None}
    if not all(isinstance(value, str) and len(value) <= 255 for value in texts.values()):
        raise ReadOptionsInvalidError("The options besides `has_header` and `types` are texts.")
    if texts.get("format") and texts["format"] not in FORMATS:
        raise ReadOptionsInvalidError(f"`format` is one of: {', '.join(FORMATS)}.")
    if len(texts.get("delimiter", "")) > 4 or len(texts.get("quote", "")) > 1:
        raise ReadOptionsInvalidError("`delimiter` has at most four characters, and `quote` one.")
    if not isinstance(given.get("has_header"), bool | None):
        raise ReadOptionsInvalidError("`has_header` is true or false.")
    return ReadOptions(**texts, has_header=given.get("has_header"), types=types)


def visible(data_source_id: UUID) -> DataSource:
    """Inside a scope. Raises DataSourceNotFoundError."""
    found = DataSource.objects.filter(pk=data_source_id, workspace__deleted_at=None).first()
    if found is None:
        raise DataSourceNotFoundError
    return cast(DataSource, found)


def _waiting(actor: Actor, import_id: UUID, *, lock: bool = False) -> DataImport:
    """Raises DataSourceNotFoundError and DataImportStartedError."""
    with tenant_scope(actor.tenant_id):
        rows = DataImport.objects.filter(pk=import_id, data_source__deleted_at=None)
        row = (rows.select_for_update(no_key=True, of=("self",)) if lock else rows).first()
        if row is None:
            raise DataSourceNotFoundError("There is no such import.")
        if row.state != JobState.WAITING:
            raise DataImportStartedError
        return cast(DataImport, row)
