"""Git repositories over HTTP, by dulwich over OYL's own client."""

from __future__ import annotations

import base64
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dulwich.client import AbstractHttpGitClient
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.object_store import iter_tree_contents
from dulwich.objects import ObjectID
from dulwich.repo import MemoryRepo

from core.outbound import OutboundClient
from workspaces.integrations.base import Config, IntegrationError, allow_list, host_of, no_details

# What a file of Git LFS is in the repository itself.
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
FETCH_SECONDS, MAX_PACK_BYTES = 600.0, 256 * 1024 * 1024
FAILURES = (GitProtocolError, OSError, ValueError, KeyError, AssertionError)


class _Response:
    def __init__(self, content_type: str | None, redirect_location: str, close: Callable[[], object]) -> None:
        self.content_type, self.redirect_location, self.close = content_type, redirect_location, close


class GuardedGitClient(AbstractHttpGitClient):
    """Its requests are those of OYL's client for addresses of tenants."""

    def __init__(self, config: Config) -> None:
        self._client = OutboundClient(allow_list(), timeout_seconds=FETCH_SECONDS, max_bytes=MAX_PACK_BYTES)
        pair = f"{config.get('username', 'git')}:{config['password']}" if config.get("password") else ""
        self._credentials = (
            {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"} if pair else {}
        )
        self._host = host_of(config["url"])
        super().__init__(config["url"], quiet=True)

    def _get_url(self, path: Any) -> str:
        """The repository's address: dulwich adds paths to it."""
        return self._base_url

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,
    ) -> Any:
        """Raises OutboundError, IntegrationError and NotGitRepository."""
        body = data if isinstance(data, bytes) else b"".join(data or ())
        sent = {**(headers or {}), **(self._credentials if host_of(url) == self._host else {})}
        sent = {name: value for name, value in sent.items() if name.lower() != "content-length"}
        stream = self._client.stream("POST" if data is not None else "GET", url, headers=sent, body=body)
        response = stream.__enter__()
        if raise_for_status and response.status != 200:
            stream.__exit__(None, None, None)
            raise _status_error(response.status, self._host)
        moved = response.url if response.url != url else ""
        reply = _Response(
            response.headers.get("content-type"), moved, lambda: stream.__exit__(None, None, None)
        )
        return reply, _reader(response.body)


def _status_error(status: int, host_name: str) -> Exception:
    if status == 404:
        return NotGitRepository()
    if status in (401, 403):
        return IntegrationError("integration_denied", host=host_name)
    return IntegrationError(
        "integration_unavailable", host=host_name, reason=f"it answers with the status {status}"
    )


def _reader(pieces: Iterator[bytes]) -> Callable[[int], bytes]:
    buffer = bytearray()

    def read(size: int = -1) -> bytes:
        while size < 0 or len(buffer) < size:
            piece = next(pieces, None)
            if piece is None:
                break
            buffer.extend(piece)
        end = len(buffer) if size < 0 else size
        taken = bytes(buffer[:end])
        del buffer[:end]
        return taken

    return read


def branches(config: Config) -> dict[str, str]:
    """The commit of each branch, and that of HEAD. Raises OutboundError and IntegrationError."""
    name = host_of(config["url"])
    with no_details(name, *FAILURES):
        try:
            found = GuardedGitClient(config).get_refs(b"").refs
        except NotGitRepository:
            raise IntegrationError(
                "integration_not_found", host=name, what="Git repository at this address"
            ) from None
    return {
        ref.decode().removeprefix("refs/heads/"): commit.decode()
        for ref, commit in found.items()
        if commit and (ref == b"HEAD" or ref.startswith(b"refs/heads/"))
    }


@dataclass(frozen=True, slots=True)
class GitFile:
    path: str
    sha: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class GitFiles:
    """The files of a commit, with its author and its date."""

    commit: str
    author: str
    date: str
    entries: list[GitFile]


def files_of(config: Config, commit_id: str) -> GitFiles:
    """Raises OutboundError and IntegrationError."""
    name = host_of(config["url"])
    repository, wanted = MemoryRepo(), ObjectID(commit_id.encode())
    with no_details(name, *FAILURES):
        GuardedGitClient(config).fetch(
            b"", repository, determine_wants=lambda refs, depth=None: [wanted], depth=1
        )
        commit = repository[wanted]
        store = repository.object_store
        found = iter_tree_contents(store, commit.tree)  # type: ignore[attr-defined]
        entries = [
            GitFile(one.path.decode(errors="replace"), one.sha.decode(), partial(_blob, store, one.sha))
            for one in found
            if stat.S_ISREG(one.mode) and not _blob(store, one.sha).startswith(LFS_POINTER)
        ]
    when = datetime.fromtimestamp(commit.commit_time, UTC)  # type: ignore[attr-defined]
    author = commit.author.decode(errors="replace")  # type: ignore[attr-defined]
    return GitFiles(commit_id, author, when.isoformat(timespec="seconds"), entries)


def _blob(store: Any, sha: ObjectID) -> bytes:
    return bytes(store[sha].data)
