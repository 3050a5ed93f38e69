"""A folder of the server, below one that the operator has allowed."""

from __future__ import annotations

import os
import shutil
import stat
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
        closed: list[OSError] = []
        for folder, folders, names in os.walk(root, onerror=closed.append):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for path in (Path(folder) / name for name in sorted(names) if not name.startswith(".")):
                name = path.relative_to(root).as_posix()
                if name.endswith(SUFFIX) or not wanted.wants(name):
                    continue
                if _real(path).is_relative_to(root):  # a link does not lead out of the folder
                    yield from _entry(path, name)
        for error in closed:
            yield from self._below(Path(error.filename).relative_to(root).as_posix(), error)

    def _below(self, folder: str, error: OSError) -> Iterator[Entry]:
        """A folder that cannot be read now: what it had stays."""
        problem = _unreadable(error)
        for key in (f"{folder}/", *(key for key in self.known if key.startswith(f"{folder}/"))):
            yield Entry(key=key, filename=key, problem=problem)

    def version(self, entry: Entry) -> str:
        """As it was listed: what is written while it is copied is another version for the next run."""
        found = entry.inner[1]
        return f"{found.st_mtime_ns} {found.st_size}"

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        try:
            shutil.copyfile(entry.inner[0], target)
        except OSError as error:
            raise _unreadable(error) from None
        return {}


def _entry(path: Path, name: str) -> Iterator[Entry]:
    """None for what is no file, or is one no more."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:  # such as a loop of links
        yield Entry(key=name, filename=path.name, problem=_unreadable(error))
        return
    if stat.S_ISREG(found.st_mode):
        changed = datetime.fromtimestamp(found.st_mtime, UTC)
        metadata = {"source_path": name, "date": changed.isoformat(timespec="seconds")}
        yield Entry(key=name, filename=path.name, inner=(path, found), metadata=metadata)


def _real(path: str | Path) -> Path:
    """`Path.resolve` raises RuntimeError for a loop of links."""
    return Path(os.path.realpath(path))


def _unreadable(error: OSError) -> EngineError:
    return EngineError("file_unreadable", sentence("file_unreadable", reason=error.strerror))


def allowed_folder(name: str) -> Path:
    """Raises ConnectorError unless it is below a folder of CONNECTOR_FOLDERS."""
    path = _real(name)
    allowed = (_real(one) for one in settings.CONNECTOR_FOLDERS)
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
