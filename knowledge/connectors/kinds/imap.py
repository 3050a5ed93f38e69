"""Mails of a mailbox, with their attachments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from knowledge.connectors.base import Entry, Kind, Source, kind_form, patterns
from workspaces.integrations.base import IntegrationError, text
from workspaces.models import IntegrationType

BATCH = 200
# imap-tools gives it to a date that cannot be read.
_NO_YEAR = 1900


class ImapSource(Source):
    def __init__(self, *parts: Any) -> None:
        from workspaces.integrations.clients.imap import connected

        super().__init__(*parts)
        self._exits = ExitStack()
        self._box = self._exits.enter_context(connected(self.integration))

    def close(self) -> None:
        self._exits.close()

    def entries(self) -> Iterator[Entry]:
        from imap_tools import AND

        since = date.fromisoformat(self.config["since"]) if "since" in self.config else None
        for folder in self.config.get("folders") or ["INBOX"]:
            validity = self._open(folder)
            found = self._box.fetch(
                AND(date_gte=since) if since else "ALL", mark_seen=False, headers_only=True, bulk=BATCH
            )
            for mail in found:
                metadata = {
                    "folder": folder,
                    "author": mail.from_,
                    "subject": mail.subject,
                    "date": mail.date.isoformat() if mail.date.year > _NO_YEAR else "",
                }
                yield Entry(
                    key=f"{folder}/{validity}/{mail.uid}",
                    filename=f"{_words(mail.subject)}.eml",
                    inner=(folder, mail.uid),
                    metadata={name: value for name, value in metadata.items() if value},
                )

    def version(self, entry: Entry) -> str:
        """A mail does not change."""
        return "1"

    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        """The mail as it is, because a damaged one cannot be written anew."""
        folder, uid = entry.inner
        self._open(folder)
        _, parts = self._box.client.uid("FETCH", uid, "(BODY.PEEK[])")
        mail = next((part[1] for part in parts or () if isinstance(part, tuple)), None)
        if mail is None:
            raise IntegrationError(
                "integration_not_found", host=self.integration["host"], what="such mail any more"
            )
        target.write_bytes(mail)
        return {}

    def _open(self, folder: str) -> str:
        """Read only. Returns the validity of the folder's numbers."""
        if self._box.folder.get() != folder:
            if not self._box.folder.exists(folder):
                raise IntegrationError(
                    "integration_not_found", host=self.integration["host"], what=f"folder '{folder[:100]}'"
                )
            self._box.folder.set(folder, readonly=True)
        return str(self._box.folder.status(folder, ["UIDVALIDITY"])["UIDVALIDITY"])


def _words(subject: str) -> str:
    return re.sub(r"[^\w.-]+", " ", subject).strip()[:120] or "mail"


KIND = Kind(
    type="imap",
    title="Mailbox (IMAP)",
    purpose="The mails of some folders, with their attachments. OYL does not mark them as read.",
    open=ImapSource,
    integration_type=IntegrationType.IMAP,
    form=kind_form(
        folders=patterns("Folders", "the names of folders, one a line; INBOX if it is left empty"),
        since=text(
            "Since",
            "only mails from this day on, as 2026-01-31",
            example="2026-01-31",
            pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
        ),
    ),
)
