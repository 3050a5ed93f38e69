"""Files of a branch of a Git repository, as they are in its newest commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from knowledge.connectors.base import FILTERS, Entry, Kind, PathFilter, Source, kind_form
from workspaces.integrations.base import IntegrationError, host_of, text
from workspaces.models import IntegrationType


class GitSource(Source):
    def entries(self) -> Iterator[Entry]:
        from workspaces.integrations.clients.git import branches, files_of

        branch = self.config.get("branch", "HEAD")
        head = branches(self.integration).get(branch)
        if head is None:
            name = host_of(self.integration["url"])
            raise IntegrationError("integration_not_found", host=name, what=f"branch '{branch[:100]}'")
        if self._is_complete(head):
            for key, one in self.known.items():
                yield Entry(key=key, filename=key, state=one.state, is_kept=True)
            return
        wanted, folder = PathFilter(self.config), self.config.get("folder", "").strip("/")
        files = files_of(self.integration, head)
        page = self.integration["url"].removesuffix(".git")
        found = [
            file
            for file in files.entries
            if wanted.wants(file.path) and (not folder or file.path.startswith(f"{folder}/"))
        ]
        for file in found:
            metadata = {
                "source_path": file.path,
                "source_url": f"{page}/blob/{head}/{file.path}",
                "commit": head,
                "author": files.author,
                "date": files.date,
            }
            yield Entry(
                key=file.path,
                filename=file.path.rpartition("/")[2],
                inner=file,
                metadata=metadata,
                state={"commit": head, "files": len(found)},
            )

    def _is_complete(self, head: str) -> bool:
        """Whether all files of this commit are there: a run may have ended before it had added the last ones."""
        whole = {"commit": head, "files": len(self.known)}
        return bool(self.known) and all(one.state == whole for one in self.known.values())

    def version(self, entry: Entry) -> str:
        """The blob's own digest: a commit that does not change the file changes nothing."""
        return str(entry.inner.sha)

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        target.write_bytes(entry.inner.read())
        return {}


KIND = Kind(
    type="git",
    title="Git repository",
    purpose="Files of a branch, with the commit as metadata.",
    open=GitSource,
    integration_type=IntegrationType.GIT,
    form=kind_form(
        branch=text(
            "Branch", "a branch's name; the repository's own default if it is left empty", example="main"
        ),
        folder=text("Folder", "only files below this folder; empty for all", example="docs", longest=1000),
        **FILTERS,
    ),
)
