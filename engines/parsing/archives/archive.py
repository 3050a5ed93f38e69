"""Zip and tar archives, and compressed files: each file inside becomes a member.

An archive inside an archive is a member like any other: the caller decides how deep to go.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath, PurePosixPath
from stat import S_ISLNK
from types import SimpleNamespace
from typing import IO, Any

from engines.parsing import Member, ParsedDocument, ParseError
from engines.parsing.archives.containers import is_tar
from engines.parsing.archives.file_names import decode_names, zip_names
from engines.parsing.archives.members import MemberFolder, clean_name, unique_name
from engines.parsing.formats import display_name, supported_formats
from engines.parsing.job import Job
from engines.parsing.readers.archives import BZIP2, GZIP, XZ
from engines.parsing.warnings import listed, warning

MAX_ENTRIES = 10_000
MAX_RATIO = 200
_RATIO_CHECKED_BYTES = 16 << 20
_COPY_BUFFER_BYTES = 1 << 20
_ENCRYPTED_FLAG = 1
_JUNK_FOLDERS = {"__MACOSX"}
_JUNK_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
_RESOURCE_FORK = "._"  # of a Mac
_OPENERS: dict[str, Any] = {GZIP: gzip.open, BZIP2: bz2.open, XZ: lzma.open}
# RuntimeError is a missing password, NotImplementedError an unknown method.
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    RuntimeError,
)


class _Unpacker:
    """Copies files out of an archive, within the limits. `unread` has the names of those that could not be unpacked."""

    def __init__(self, job: Job) -> None:
        self.unread: list[str] = []
        self._job, self._folder, self._size = job, MemberFolder(job), 0

    def copy(self, name: str, source: IO[bytes]) -> None:
        _check_entries(len(self._folder.members) + 1)
        with self._folder.path_for(name).open("wb") as target:
            while data := source.read(_COPY_BUFFER_BYTES):
                self._size += len(data)
                _check_size(self._size, self._job)
                target.write(data)

    @contextmanager
    def leaving_out(self, name: str) -> Iterator[None]:
        """Leave the file out if it cannot be unpacked."""
        count = len(self._folder.members)
        try:
            yield
        except (*_UNREADABLE, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # not of the archive, but of the disk
                raise
            if len(self._folder.members) > count:
                self._folder.drop_last()
            self.unread.append(name)

    def document(self, members: Iterable[Member] = (), links: Iterable[str] = ()) -> ParsedDocument:
        if self.unread and not self._folder.members:
            raise ParseError("corrupt_file", type=display_name(self._job.mime_type))
        unread = (warning("unread_members", names=listed(self.unread)),) if self.unread else ()
        return ParsedDocument(
            mime_type=self._job.mime_type,
            members=tuple(members or self._folder.members),
            metadata={"skipped_links": list(links)},
            warnings=unread,
        )

    def members_by_system_names(self) -> Iterator[Member]:
        """Yield the members with names that were read as UTF-8, but may be in another encoding."""
        taken: dict[str, int] = {}
        raw = [member.name.encode("utf-8", "surrogateescape") for member in self._folder.members]
        for member, name in zip(self._folder.members, decode_names(raw), strict=True):
            yield replace(member, name=unique_name(clean_name(name), taken))


def read_zip(job: Job) -> ParsedDocument:
    with zipfile.ZipFile(job.path) as archive:
        infos = archive.infolist()
        names = dict(zip(infos, zip_names(infos), strict=True))
        files = [info for info in infos if not (info.is_dir() or _is_junk(names[info]) or _is_link(info))]
        _check_zip(files, job)
        unpacker = _Unpacker(job)
        for info in files:
            with unpacker.leaving_out(names[info]), archive.open(info) as source:
                unpacker.copy(names[info], source)
    if unpacker.unread and len(unpacker.unread) == len(files):
        _refuse_unknown_method(files)
    return unpacker.document(links=[names[info] for info in infos if _is_link(info)])


def read_tar(job: Job) -> ParsedDocument:
    with job.path.open("rb") as file:
        return _unpack_tar(job, file)


def read_compressed(job: Job) -> ParsedDocument:
    """Read one compressed file, or a compressed tar archive."""
    with job.path.open("rb") as packed, _OPENERS[job.mime_type](packed) as source:
        if is_tar(source.peek(tarfile.BLOCKSIZE)):
            return _unpack_tar(job, SimpleNamespace(read=source.read1))  # gives what is there before a damage
        unpacker = _Unpacker(job)
        unpacker.copy(PurePath(job.filename).stem or "unnamed", source)
    return unpacker.document()


def _unpack_tar(job: Job, file: Any) -> ParsedDocument:
    unpacker = _Unpacker(job)
    links: list[str] = []
    options: Any = {
        "mode": "r|",
        "encoding": "utf-8",
        "errors": "surrogateescape",
    }  # a stream is never read twice
    with (
        unpacker.leaving_out(f"the rest of {job.filename}"),
        tarfile.open(fileobj=file, **options) as archive,
    ):
        for info in archive:
            if info.issym() or info.islnk():
                links.append(info.name)
            elif info.isfile() and not _is_junk(info.name):
                source = archive.extractfile(info)
                assert source is not None
                unpacker.copy(info.name, source)
    return unpacker.document(unpacker.members_by_system_names(), links)


def _is_junk(name: str) -> bool:
    """Return whether the file is one that operating systems add."""
    path = PurePosixPath(name.replace("\\", "/"))
    is_added = path.name in _JUNK_FILES or path.name.startswith(_RESOURCE_FORK)
    return is_added or not _JUNK_FOLDERS.isdisjoint(path.parts)


def _is_link(info: zipfile.ZipInfo) -> bool:
    return S_ISLNK(info.external_attr >> 16)


def _check_zip(files: list[zipfile.ZipInfo], job: Job) -> None:
    """Raise ParseError before anything is unpacked if all files are encrypted, or what is declared exceeds a limit."""
    if files and all(info.flag_bits & _ENCRYPTED_FLAG for info in files):
        raise ParseError("password_protected")
    _check_entries(len(files))
    _check_size(sum(info.file_size for info in files), job)


def _check_entries(count: int) -> None:
    if count > MAX_ENTRIES:
        raise ParseError("archive_too_large", fact=f"holds more than {MAX_ENTRIES} files")


def _check_size(size: int, job: Job) -> None:
    packed, limit = job.path.stat().st_size, job.limits.output_mb
    if size > limit << 20:
        raise ParseError("archive_too_large", fact=f"unpacks to more than {limit} MB")
    if size > _RATIO_CHECKED_BYTES and size > packed * MAX_RATIO:
        raise ParseError("archive_too_large", fact=f"unpacks to {size // packed} times its size, as bombs do")


def _refuse_unknown_method(files: list[zipfile.ZipInfo]) -> None:
    """Raise ParseError if the files are packed by a method that Python does not know."""
    method = files[0].compress_type
    if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        name = zipfile.compressor_names.get(method, str(method))  # type: ignore[attr-defined]
        raise ParseError(
            "unsupported_type", type=f"zip archive packed by {name}", supported=supported_formats()
        )
