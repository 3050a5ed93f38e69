"""Files inside of slides and sheets, old and new, which become documents of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from engines.parsing import Member, ReadingWarning
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job
from engines.parsing.office.office_package import Package
from engines.parsing.office.ole_objects import EmbeddedFile, unpack
from engines.parsing.warnings import listed, warning

_KINDS = ("package", "oleObject")


def members(
    job: Job, package: Package, parts: Iterable[str]
) -> tuple[tuple[Member, ...], tuple[ReadingWarning, ...]]:
    """Unpack what these parts embed. (What charts are made of, they show themselves.)"""
    files, refused = list[EmbeddedFile](), list[str]()
    for name in dict.fromkeys(target for part in parts for target in package.targets(part, *_KINDS)):
        file = unpack(package.data(name), PurePosixPath(name).name)
        if file is None:
            refused.append(PurePosixPath(name).name)
        else:
            files.append(file)
    return stored(job, files, refused)


def stored(
    job: Job, files: Iterable[EmbeddedFile], refused: list[str]
) -> tuple[tuple[Member, ...], tuple[ReadingWarning, ...]]:
    """Store the files as members, and warn of those that were refused."""
    folder = MemberFolder(job)
    for file in files:
        folder.add(file.name, file.data)
    warnings = (warning("unread_members", names=listed(refused)),) if refused else ()
    return tuple(folder.members), warnings
