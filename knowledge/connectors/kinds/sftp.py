"""Files of an SFTP server."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from knowledge.connectors.base import FILTERS, ConnectorError, Entry, Kind, PathFilter, Source, kind_form
from knowledge.connectors.kinds.stores import MAX_FILE_BYTES
from workspaces.integrations.base import no_details, text
from workspaces.models import IntegrationType

MAX_DEPTH = 50


class SftpSource(Source):
    def __init__(self, *parts: Any) -> None:
        from workspaces.integrations.clients.sftp import FAILURES, connected

        super().__init__(*parts)
        self._failures, self._exits = FAILURES, ExitStack()
        self._client = self._exits.enter_context(connected(self.integration))

    def close(self) -> None:
        self._exits.close()

    def entries(self) -> Iterator[Entry]:
        root = (
            "/".join(
                filter(None, (self.integration.get("folder", "").rstrip("/"), self.config.get("folder", "")))
            )
            or "."
        )
        wanted = PathFilter(self.config)
        for path, facts in self._below(root, "", 0):
            if wanted.wants(path):
                changed = datetime.fromtimestamp(facts.st_mtime or 0, UTC).isoformat(timespec="seconds")
                user_host = f"sftp://{self.integration['host']}"
                metadata = {
                    "source_path": path,
                    "source_url": f"{user_host}/{root.strip('/')}/{path}",
                    "date": changed,
                }
                too_large = (facts.st_size or 0) > MAX_FILE_BYTES
                problem = (
                    ConnectorError("connector_item_too_large", limit=MAX_FILE_BYTES // 1024**2)
                    if too_large
                    else None
                )
                name, inner = path.rpartition("/")[2], (f"{root}/{path}", facts)
                yield Entry(key=path, filename=name, inner=inner, metadata=metadata, problem=problem)

    def _below(self, root: str, folder: str, depth: int) -> Iterator[tuple[str, Any]]:
        """Links are not followed."""
        with no_details(self.integration["host"], *self._failures):
            entries = sorted(self._client.listdir_attr(f"{root}/{folder}"), key=lambda one: one.filename)
        for one in entries:
            path = f"{folder}/{one.filename}".strip("/")
            if stat.S_ISREG(one.st_mode or 0):
                yield path, one
            elif stat.S_ISDIR(one.st_mode or 0) and depth < MAX_DEPTH:
                yield from self._below(root, path, depth + 1)

    def version(self, entry: Entry) -> str:
        facts = entry.inner[1]
        return f"{facts.st_mtime} {facts.st_size}"

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        with no_details(self.integration["host"], *self._failures):
            self._client.get(entry.inner[0], str(target), prefetch=False)
        return {}


KIND = Kind(
    type="sftp",
    title="SFTP server",
    purpose="Files of the integration's folder, and of all folders in it.",
    open=SftpSource,
    integration_type=IntegrationType.SFTP,
    form=kind_form(
        folder=text("Folder", "a folder below the integration's own; empty for all", longest=1000), **FILTERS
    ),
)
