"""Object stores and WebDAV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.connectors.base import (
    FILTERS,
    ConnectorError,
    Entry,
    Kind,
    Known,
    PathFilter,
    Source,
    kind_form,
)
from workspaces.integrations import azure_blob, gcs, s3, webdav
from workspaces.integrations.base import text
from workspaces.models import IntegrationType

if TYPE_CHECKING:
    from workspaces.integrations.clients.storage import Store

MAX_FILE_BYTES = 512 * 1024 * 1024


class StoreSource(Source):
    def __init__(
        self,
        store: Callable[[Mapping[str, Any]], Store],
        address: Callable[[Mapping[str, Any], str], str],
        *parts: Any,
    ) -> None:
        super().__init__(*parts)
        self._store, self._address = store(self.integration), address

    def entries(self) -> Iterator[Entry]:
        folder, wanted = self.config.get("folder", "").strip("/"), PathFilter(self.config)
        for found in self._store.files(f"{folder}/" if folder else ""):
            path, facts = found.path, found.metadata
            if path.endswith("/") or not wanted.wants(path):
                continue
            metadata = {"source_path": path, "source_url": self._address(self.integration, path)}
            if facts.last_modified:
                metadata["date"] = facts.last_modified.isoformat(timespec="seconds")
            too_large = (facts.content_length or 0) > MAX_FILE_BYTES
            problem = (
                ConnectorError("connector_item_too_large", limit=MAX_FILE_BYTES // 1024**2)
                if too_large
                else None
            )
            name = path.rpartition("/")[2]
            yield Entry(key=path, filename=name, inner=found, metadata=metadata, problem=problem)

    def version(self, entry: Entry) -> str:
        facts = entry.inner.metadata
        return str(facts.etag or f"{facts.last_modified} {facts.content_length}")[:255]

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        target.write_bytes(self._store.read(entry.inner.path))
        return {}


def _kind(
    kind: IntegrationType,
    title: str,
    store: Callable[[Mapping[str, Any]], Store],
    address: Callable[[Mapping[str, Any], str], str],
) -> Kind:
    def open_source(
        config: Mapping[str, Any], integration: Mapping[str, Any], known: Mapping[str, Known]
    ) -> Source:
        return StoreSource(store, address, config, integration, known)

    return Kind(
        type=kind.value,
        title=title,
        purpose="Files of the integration's folder, and of all folders in it.",
        open=open_source,
        integration_type=kind,
        form=kind_form(
            folder=text("Folder", "a folder below the integration's own; empty for all", longest=1000),
            **FILTERS,
        ),
    )


def _joined(base: str, *parts: str) -> str:
    return "/".join([base.rstrip("/"), *(part.strip("/") for part in parts if part.strip("/"))])


KINDS = (
    _kind(
        IntegrationType.S3,
        "S3 storage",
        s3.store,
        lambda own, path: _joined(s3.endpoint(own), own["bucket"], own.get("folder", ""), path),
    ),
    _kind(
        IntegrationType.AZURE_BLOB,
        "Azure Blob Storage",
        azure_blob.store,
        lambda own, path: _joined(azure_blob.endpoint(own), own["container"], own.get("folder", ""), path),
    ),
    _kind(
        IntegrationType.GCS,
        "Google Cloud Storage",
        gcs.store,
        lambda own, path: _joined(gcs.endpoint(own), own["bucket"], own.get("folder", ""), path),
    ),
    _kind(
        IntegrationType.WEBDAV,
        "WebDAV (Nextcloud, ownCloud)",
        webdav.store,
        lambda own, path: _joined(own["url"], own.get("folder", ""), path),
    ),
)
