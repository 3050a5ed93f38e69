"""Files inside of other files: their names, and where a reader stores them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from unicodedata import normalize

from engines.parsing import Member, ParseError
from engines.parsing.frames import MAX_MEMBERS
from engines.parsing.job import Job

_FOLDER = "members"
_MAX_LETTERS = 1_000


class MemberFolder:
    """Stores files under generated names, below the job's folder. `members` has them in their order."""

    def __init__(self, job: Job) -> None:
        self.members: list[Member] = []
        self._folder = job.workdir / _FOLDER
        self._names: dict[str, int] = {}

    def path_for(self, name: str) -> Path:
        """Add a member, and return the path to write it to. Raise ParseError if there are too many."""
        if len(self.members) >= MAX_MEMBERS:
            raise ParseError("archive_too_large", fact=f"holds more than {MAX_MEMBERS} files")
        self._folder.mkdir(exist_ok=True)
        path = self._folder / str(len(self.members) + 1)
        self.members.append(
            Member(name=unique_name(clean_name(name)[-_MAX_LETTERS:], self._names), path=path)
        )
        return path

    def add(self, name: str, data: bytes) -> None:
        """Add a file, unless it is empty."""
        if data:
            self.path_for(name).write_bytes(data)

    def drop_last(self) -> None:
        """Take back a member that could not be written completely."""
        member = self.members.pop()
        member.path.unlink(missing_ok=True)
        del self._names[member.name]


def clean_name(name: str) -> str:
    """Return a relative path without drives, roots and parent folders, and with letters that are whole: some systems write
    their accents apart."""
    parts = PurePosixPath(normalize("NFC", name).replace("\\", "/")).parts
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
