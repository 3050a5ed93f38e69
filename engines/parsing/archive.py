"""Zip archives: each entry becomes a member, under a file name of our own choosing.

A zip inside a zip is a member like any other: whoever asked for it decides how deep to go.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from stat import S_ISLNK

from engines.parsing import Member, ParsedDocument, ParseError
from engines.parsing.job import Job

MOST_ENTRIES = 10_000
MOST_RATIO = 200
_SMALL = 16 << 20
_BLOCK = 1 << 20
_JUNK_FOLDERS = {"__MACOSX"}
_JUNK_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}


def read(job: Job) -> ParsedDocument:
    with zipfile.ZipFile(job.path) as archive:
        entries = [entry for entry in archive.infolist() if _is_wanted(entry)]
        _check(entries, job)
        members = tuple(_unpack(archive, entries, job))
    skipped = [entry.filename for entry in archive.infolist() if _is_link(entry)]
    return ParsedDocument(mime_type=job.mime_type, members=members, metadata={"skipped_links": skipped})


def clean_name(name: str) -> str:
    """A relative path without a drive, a root, or a step upwards."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    kept = [part for part in parts if part not in ("/", "..", ".") and not part.endswith(":")]
    return "/".join(kept) or "unnamed"


def unique(name: str, taken: set[str]) -> str:
    """The name, numbered when it was taken before."""
    path, number = PurePosixPath(name), 1
    while name in taken:
        number += 1
        name = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    taken.add(name)
    return name


def _check(entries: list[zipfile.ZipInfo], job: Job) -> None:
    if len(entries) > MOST_ENTRIES:
        raise ParseError("archive_too_large", fact=f"holds {len(entries)} files, more than {MOST_ENTRIES}")
    if any(entry.flag_bits & 1 for entry in entries):
        raise ParseError("password_protected")
    size, packed = sum(entry.file_size for entry in entries), job.path.stat().st_size
    if size > job.limits.output_mb << 20:
        raise ParseError(
            "archive_too_large", fact=f"unpacks to {size >> 20} MB, more than {job.limits.output_mb} MB"
        )
    if size > _SMALL and size > packed * MOST_RATIO:
        raise ParseError("archive_too_large", fact=f"unpacks to {size // packed} times its size, as bombs do")


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], job: Job) -> Iterator[Member]:
    folder, taken = job.scratch("members"), set[str]()
    for number, entry in enumerate(entries, 1):
        path = folder / str(number)
        _copy(archive, entry, path)
        yield Member(name=unique(clean_name(_name(entry)), taken), path=path)


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    try:
        with archive.open(entry) as source, path.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)
    except NotImplementedError as error:
        raise ParseError("corrupt_file", type="zip archive") from error


def _name(entry: zipfile.ZipInfo) -> str:
    """Without the UTF-8 flag most archivers write the system's encoding: UTF-8 if it is that."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    is_junk = path.name in _JUNK_FILES or not _JUNK_FOLDERS.isdisjoint(path.parts)
    return not entry.is_dir() and not is_junk and not _is_link(entry)


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return S_ISLNK(entry.external_attr >> 16)
