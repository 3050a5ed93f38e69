"""Zip archives: each entry becomes a member, stored under a generated file name.

A zip inside a zip is a member like any other: the caller decides how deep to go.
"""

from __future__ import annotations

import contextlib
import shutil
import zipfile
from pathlib import PurePosixPath
from stat import S_ISLNK

from engines.parsing import Member, ParsedDocument, ParseError
from engines.parsing.job import Job

MAX_ENTRIES = 10_000
MAX_RATIO = 200
_RATIO_CHECKED_BYTES = 16 << 20
_COPY_BUFFER_BYTES = 1 << 20
_ENCRYPTED_FLAG = 1
_UTF8_FLAG = 0x800
_JUNK_FOLDERS = {"__MACOSX"}
_JUNK_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}


def read(job: Job) -> ParsedDocument:
    members: list[Member] = []
    with zipfile.ZipFile(job.path) as archive:
        entries = _entries_to_unpack(archive, job)
        folder, names = job.make_folder("members"), dict[str, int]()
        for number, entry in enumerate(entries, 1):
            path = folder / str(number)
            try:
                with archive.open(entry) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target, _COPY_BUFFER_BYTES)
            except NotImplementedError as error:
                raise ParseError("corrupt_file", type="zip archive") from error
            name = entry.filename
            if not entry.flag_bits & _UTF8_FLAG:
                # Most archivers write names in the system's encoding: use UTF-8 if it is valid.
                with contextlib.suppress(UnicodeError):
                    name = name.encode("cp437").decode("utf-8")
            members.append(Member(name=unique_name(clean_name(name), names), path=path))
        skipped = [entry.filename for entry in archive.infolist() if _is_link(entry)]
    return ParsedDocument(
        mime_type=job.mime_type, members=tuple(members), metadata={"skipped_links": skipped}
    )


def _entries_to_unpack(archive: zipfile.ZipFile, job: Job) -> list[zipfile.ZipInfo]:
    """Return all files but links and what operating systems add. Raise ParseError before anything that is encrypted or
    exceeds a limit is unpacked."""
    entries: list[zipfile.ZipInfo] = []
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        is_junk = path.name in _JUNK_FILES or not _JUNK_FOLDERS.isdisjoint(path.parts)
        if not (entry.is_dir() or is_junk or _is_link(entry)):
            entries.append(entry)
    if len(entries) > MAX_ENTRIES:
        raise ParseError("archive_too_large", fact=f"holds {len(entries)} files, more than {MAX_ENTRIES}")
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
        raise ParseError("password_protected")
    size, packed = sum(entry.file_size for entry in entries), job.path.stat().st_size
    if size > job.limits.output_mb << 20:
        raise ParseError(
            "archive_too_large", fact=f"unpacks to {size >> 20} MB, more than {job.limits.output_mb} MB"
        )
    if size > _RATIO_CHECKED_BYTES and size > packed * MAX_RATIO:
        raise ParseError("archive_too_large", fact=f"unpacks to {size // packed} times its size, as bombs do")
    return entries


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return S_ISLNK(entry.external_attr >> 16)


def clean_name(name: str) -> str:
    """Return a relative path without drives, roots and parent folders."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    kept = [part for part in parts if part not in ("/", "..", ".") and not part.endswith(":")]
    return "/".join(kept) or "unnamed"


def unique_name(name: str, taken: dict[str, int]) -> str:
    """Return the name, numbered if it is in `taken`, and add it there. `taken` has the number that each name has reached."""
    path, unique = PurePosixPath(name), name
    while unique in taken:
        taken[name] = number = taken[name] + 1
        unique = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    taken[unique] = 1
    return unique
