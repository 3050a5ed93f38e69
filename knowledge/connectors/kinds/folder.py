"""A folder of the server, below one that the operator has allowed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from core.error_codes import sentence
from core.errors import EngineError
from knowledge.connectors.base import FILTERS, ConnectorError, Entry, Kind, PathFilter, Source, kind_form
from knowledge.storage.sidecars import SUFFIX
from workspaces.integrations.base import text


class FolderSource(Source):
    def entries(self) -> Iterator[Entry]:
        root, wanted = allowed_folder(self.config["path"]), PathFilter(self.config)
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            is_hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
            if is_hidden or not path.is_file() or name.endswith(SUFFIX) or not wanted.wants(name):
                continue
            if path.resolve().is_relative_to(root):  # a link does not lead out of the folder
                changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                metadata = {"source_path": name, "date": changed.isoformat(timespec="seconds")}
                yield Entry(key=name, filename=path.name, inner=path, metadata=metadata)

    def version(self, entry: Entry) -> str:
        found = entry.inner.stat()
        return f"{found.st_mtime_ns} {found.st_size}"

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        try:
            shutil.copyfile(entry.inner, target)
        except OSError as error:
            reason = sentence("file_unreadable", reason=error.strerror)
            raise EngineError("file_unreadable", reason) from None
        return {}


def allowed_folder(name: str) -> Path:
    """Raises ConnectorError unless it is below a folder of CONNECTOR_FOLDERS."""
    path = Path(name).resolve()
    allowed = (Path(one).resolve() for one in settings.CONNECTOR_FOLDERS)
    if not any(path.is_relative_to(one) for one in allowed) or not path.is_dir():
        raise ConnectorError("connector_folder", folder=name)
    return path


KIND = Kind(
    type="folder",
    title="Folder of the server",
    purpose="Files of a folder that the operator of the server has allowed (CONNECTOR_FOLDERS).",
    open=FolderSource,
    form=kind_form(
        ("path",),
        path=text("Folder", "the folder's path on the server", example="/srv/handbooks", longest=1000),
        **FILTERS,
    ),
)
