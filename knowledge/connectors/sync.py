"""The loop of every run: list the entries, fetch those whose version is another, add them, and find out what has gone."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

from django.db.models import Count

from core.actors import Actor, system_actor
from core.batching import batched
from core.errors import EngineError
from core.isolation.scope import tenant_scope
from core.names import printable
from jobs.progress import JobProgress
from knowledge.connectors.base import ConnectorError, Entry, Known, Source
from knowledge.connectors.kinds import KINDS
from knowledge.errors import ReferenceNotFoundError, UploadInvalidError
from knowledge.models import Connector, ConnectorItem, ConnectorRun, Document, ItemOutcome
from knowledge.services.adding import UploadOutcome, add_documents
from knowledge.services.changing import delete_documents
from knowledge.storage.values import Upload

BATCH, PRUNE_BATCH, KEY_LENGTH, KEY_MAX = 16, 200, 900, 2048
# More than this part of the items is not removed without a question, unless there are only a few.
PRUNE_SHARE, PRUNE_FEW = 0.3, 3
OUTCOMES = {
    UploadOutcome.ADDED: ItemOutcome.ADDED,
    UploadOutcome.UPDATED: ItemOutcome.UPDATED,
    UploadOutcome.UNCHANGED: ItemOutcome.UNCHANGED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """An entry that was fetched to `path`."""

    entry: Entry
    path: Path
    metadata: dict[str, Any] = field(default_factory=dict)


class Sync:
    """One run of a connector, outside of a scope. An entry whose item has the run's id was done before the worker died."""

    def __init__(
        self, tenant_id: UUID, connector: Connector, run: ConnectorRun, progress: JobProgress
    ) -> None:
        self.connector, self.run, self.progress = connector, run, progress
        self.actor: Actor = system_actor(tenant_id, "connector")
        with tenant_scope(self.actor.tenant_id):
            items = ConnectorItem.objects.filter(connector=connector)
            self.items = {item.key: item for item in items}

    def fetch_changes(self) -> None:
        """Raises EngineError, also for a source that cannot be listed to its end."""
        with closing(self._open()) as source:
            for entries in batched(self._new_entries(source), BATCH):
                self._handle(source, list(entries))
                self.progress("sync", done=len(entries))

    def _open(self) -> Source:
        kind = KINDS[self.connector.kind]
        integration: dict[str, Any] = {}
        if kind.integration_type:
            with tenant_scope(self.actor.tenant_id):
                row = self.connector.integration
                if row is None or row.deleted_at or row.type_enum != kind.integration_type:
                    raise ConnectorError(
                        "connector_not_complete", reason="its integration is not there any more"
                    )
                integration = row.read_config()
        known = {key: Known(version=one.version, state=one.state_json) for key, one in self.items.items()}
        return kind.open(self.connector.config_json, integration, known)

    def _new_entries(self, source: Source) -> Iterator[Entry]:
        """Each key once, without those that this run has done already."""
        names = dict[str, str]()
        for found in source.entries():
            key = _stored_key(found.key)
            if names.get(key, found.key) != found.key:
                key = _told_apart(key, found.key)
            item = self.items.get(key)
            if key not in names and not (item and item.run_id == self.run.pk):
                yield replace(found, key=key)
            names[key] = found.key

    def _handle(self, source: Source, entries: list[Entry]) -> None:
        folder = Path(mkdtemp(prefix="oyl-connector-"))
        try:
            fetched = [self._fetched(source, entry, folder / str(n)) for n, entry in enumerate(entries)]
            changed = [one for one in fetched if isinstance(one, _Changed)]
            rows = [one for one in fetched if isinstance(one, ConnectorItem)]
            self._save([*rows, *self._added(source, changed)])
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _fetched(self, source: Source, entry: Entry, target: Path) -> _Changed | ConnectorItem:
        """The item where there is nothing to add."""
        item = self.items.get(entry.key)
        try:
            if entry.problem:
                raise entry.problem
            if item and entry.is_kept:
                return self._item(entry, item.version, ItemOutcome.UNCHANGED)
            version = source.version(entry)
            if item and item.version and item.version == version:
                return self._item(entry, version, ItemOutcome.UNCHANGED)
            more = source.fetch(entry, target)
        except EngineError as error:
            return self._failed(entry, error.code, error.detail)
        named = {**entry.metadata, **more, "connector": self.connector.name}
        facts = {name: printable(str(value)) for name, value in named.items()}
        return _Changed(entry=entry, path=target, metadata=facts)

    def _added(self, source: Source, changed: list[_Changed]) -> list[ConnectorItem]:
        if not changed:
            return []
        try:
            return self._add(source, changed)
        except UploadInvalidError as error:
            if len(changed) == 1:
                return [self._failed(changed[0].entry, "connector_item_invalid", str(error))]
            return [item for one in changed for item in self._added(source, [one])]

    def _add(self, source: Source, changed: list[_Changed]) -> list[ConnectorItem]:
        """Raises UploadInvalidError, and EngineError where the reference cannot take them."""
        uploads = [
            Upload(
                external_id=self._external_id(one.entry.key),
                filename=one.entry.filename,
                path=one.path,
                metadata=one.metadata,
            )
            for one in changed
        ]
        try:
            added = add_documents(actor=self.actor, reference_id=self.connector.reference_id, uploads=uploads)
        except ReferenceNotFoundError:
            raise ConnectorError("connector_not_complete", reason="its reference was deleted") from None
        return [
            self._item(one.entry, source.version(one.entry), OUTCOMES[done.outcome])
            for one, done in zip(changed, added, strict=True)
        ]

    def _external_id(self, key: str) -> str:
        """Of this connector alone. A long key is cut, and told apart by its digest."""
        short = key if len(key) <= KEY_LENGTH else _told_apart(key, key, KEY_LENGTH)
        return f"{self.connector.pk}/{short}"

    def _item(self, entry: Entry, version: str, outcome: ItemOutcome) -> ConnectorItem:
        return ConnectorItem(
            tenant_id=self.actor.tenant_id,
            connector=self.connector,
            key=entry.key,
            external_id=self._external_id(entry.key),
            version=version[:255],
            state_json=dict(entry.state),
            run_id=self.run.pk,
            outcome=outcome,
        )

    def _failed(self, entry: Entry, code: str, detail: str) -> ConnectorItem:
        """Its document, if it has one, stays; the next run tries again."""
        item = self._item(entry, "", ItemOutcome.FAILED)
        item.error_code, item.error_detail = code, detail
        if not entry.problem:  # what is remembered of an entry is remembered with its document
            item.state_json = {}
        return item

    def _save(self, rows: list[ConnectorItem]) -> None:
        with tenant_scope(self.actor.tenant_id):
            ConnectorItem.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["connector", "external_id"],
                update_fields=["version", "state_json", "run_id", "outcome", "error_code", "error_detail"],
            )

    def gone(self) -> int:
        """How many items the source has no more, if it is more than may be removed without a question; else 0."""
        with tenant_scope(self.actor.tenant_id):
            items = ConnectorItem.objects.filter(connector=self.connector)
            total, gone = items.count(), items.exclude(run_id=self.run.pk).count()
        return gone if gone > PRUNE_FEW and gone > total * PRUNE_SHARE else 0

    def prune(self) -> int:
        """Delete the documents of items that the run has not seen; returns their number."""
        removed = 0
        while batch := self._gone_batch():
            self._delete(batch)
            removed += len(batch)
            self.progress("prune", done=removed)
        return removed

    def _gone_batch(self) -> list[ConnectorItem]:
        with tenant_scope(self.actor.tenant_id):
            gone = ConnectorItem.objects.filter(connector=self.connector).exclude(run_id=self.run.pk)
            return list(gone.order_by("pk")[:PRUNE_BATCH])

    def _delete(self, items: list[ConnectorItem]) -> None:
        """The documents and what is remembered of them, in one transaction."""
        with tenant_scope(self.actor.tenant_id):
            names = [item.external_id for item in items]
            rows = Document.objects.filter(reference=self.connector.reference_id, external_id__in=names)
            ids = list(rows.values_list("pk", flat=True))
            if ids:
                delete_documents(actor=self.actor, document_ids=ids)
            ConnectorItem.objects.filter(pk__in=[item.pk for item in items]).delete_rows()

    def counts(self) -> dict[str, int]:
        """Of the items that this run has seen."""
        with tenant_scope(self.actor.tenant_id):
            rows = ConnectorItem.objects.filter(connector=self.connector, run_id=self.run.pk)
            found = dict(rows.values_list("outcome").annotate(Count("pk")).order_by())
        return {str(outcome.value): found.get(outcome.value, 0) for outcome in ItemOutcome}


def _stored_key(name: str) -> str:
    key = printable(name)
    return key if len(key) <= KEY_MAX else _told_apart(key, name)


def _told_apart(key: str, name: str, length: int = KEY_MAX - 17) -> str:
    """For a name that is stored as another one is, but differs in its Unicode form or at its end."""
    return f"{key[:length]}…{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}"
