"""References: what a file says, as a person would write it down.

A reference stands beside its file as `NAME.ref`, in plain text. Each line that is not indented begins with a key and a
colon; indented lines continue the one above:

    fault: T1 merged cells
    title 1 @1: Staff of the ferry
    table @1: Pier | Shift | Crew
      North | early | 4
      North | late | 3
    absent: words that are not shown

Keys of elements are the kinds of `ElementKind`, a title's with its level, all with `@page` where the format has pages. The
other keys are the fields of `Reference`, which can be repeated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from engines.parsing import ElementKind

ENDING = ".ref"
LINE = re.compile(r"(?P<key>[a-z_ ]+?)(?: (?P<level>\d))?(?: @(?P<page>\d+))?:(?: (?P<text>.*))?")
KINDS = {kind.value for kind in ElementKind}
PAIR = " // "


@dataclass(frozen=True, slots=True)
class Said:
    """An element of a reference. `page` is None where a format has none, and `level` 0 for what is no title."""

    kind: ElementKind
    text: str
    page: int | None = None
    level: int = 0


@dataclass(slots=True)
class Reference:
    """`optional` words may be read, but need not be: a mail's header, for example. What is `absent` must not be read.
    `error` is the code if the file is to be refused, `may_refuse` that with which it may be, and `warning` one that its
    document must have. `member` is a file
    inside, as `name // words of it`; `*` is any name.

    Of the chunks: the words on both sides of `together` must be in the input of one of them; the chunk with the words
    left in `cited` has the title on the right; `chunks` is the largest number of them."""

    elements: list[Said] = field(default_factory=list)
    fault: list[str] = field(default_factory=list)
    optional: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    error: list[str] = field(default_factory=list)
    may_refuse: list[str] = field(default_factory=list)
    warning: list[str] = field(default_factory=list)
    member: list[str] = field(default_factory=list)
    together: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(said.text for said in self.elements)

    def add(self, key: str, text: str, *, page: int | None, level: int) -> None:
        if key in KINDS:
            self.elements.append(Said(ElementKind(key), text, page, level))
        else:
            getattr(self, key).append(text)


def read_reference(path: Path) -> Reference:
    """Raise ValueError with the line that is no part of a reference."""
    reference = Reference()
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip()):
        first, *more = block.split("\n")
        found = LINE.fullmatch(first)
        if not found or (found["key"] not in KINDS and not hasattr(reference, found["key"])):
            raise ValueError(f"{path.name}: {first!r} has no key of a reference")
        text = "\n".join([found["text"] or "", *(line.removeprefix("  ") for line in more)]).strip("\n")
        page = int(found["page"]) if found["page"] else None
        reference.add(found["key"], text, page=page, level=int(found["level"] or 0))
    return reference


def pair(text: str) -> tuple[str, str]:
    left, _, right = text.partition(PAIR)
    return left, right
