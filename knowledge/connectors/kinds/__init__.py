"""The kinds of connectors, one file each: the form of its configuration, and how its source is listed and fetched."""

from __future__ import annotations

from collections.abc import Mapping

from knowledge.connectors.base import Kind
from knowledge.connectors.kinds import folder, git, imap, rss, sftp, stores, web

KINDS: Mapping[str, Kind] = {
    kind.type: kind
    for kind in (web.KIND, rss.KIND, folder.KIND, *stores.KINDS, sftp.KIND, git.KIND, imap.KIND)
}
