"""What is uploaded: real documents of many kinds, or made ones, and some that kill whoever reads them."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

POISON = b"POISON"
SUFFIXES = {
    ".json",
    ".csv",
    ".pdf",
    ".docx",
    ".eml",
    ".rtf",
    ".txt",
    ".rst",
    ".md",
    ".pptx",
    ".html",
    ".odt",
    ".xlsx",
    ".zip",
    ".epub",
    ".xml",
    ".msg",
}
LARGEST = 60_000
WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "island",
    "jetty",
    "kelp",
    "lagoon",
    "maple",
    "north",
    "otter",
    "pine",
]


@dataclass(frozen=True, slots=True)
class Content:
    path: Path
    key: str

    @property
    def suffix(self) -> str:
        return self.path.suffix


def gather(folder: Path, data: Path | None, count: int, seed: int) -> list[Content]:
    """`count` different ones in an order that `seed` gives; real ones from `data` as far as there are any."""
    rng = random.Random(seed)
    paths = _real(data, rng)[: count - count // 10] if data else []
    for number in range(count - len(paths)):
        paths.append(_made(folder, number, rng))
    contents = {content.key: content for content in map(_content, paths)}
    assert len(contents) == count
    return rng.sample(list(contents.values()), count)


def poison(folder: Path, count: int) -> list[Content]:
    made = []
    for number in range(count):
        path = folder / f"poison-{number}.txt"
        path.write_bytes(POISON + f" number {number}".encode())
        made.append(_content(path))
    return made


def extras(folder: Path) -> list[dict[str, Content]]:
    """One after another: an archive that is replaced by a smaller one, a page that is replaced, a file that cannot be
    read."""
    bytes_of = {
        "more.zip": _zip({"a.md": b"# A\n\nAmber.", "b.md": b"# B\n\nBirch."}),
        "less.zip": _zip({"a.md": b"# A\n\nAmber."}),
        "old.md": b"---\ntags: [amber]\n---\n# Old\n\nCedar.",
        "new.md": b"# New\n\nDelta.",
        "broken.pdf": b"%PDF-1.4 broken",
    }
    for name, content in bytes_of.items():
        (folder / name).write_bytes(content)
    made = {name: _content(folder / name) for name in bytes_of}
    return [
        {"extra.zip": made["more.zip"], "extra.md": made["old.md"], "extra.pdf": made["broken.pdf"]},
        {"extra.zip": made["less.zip"], "extra.md": made["new.md"]},
    ]


def _content(path: Path) -> Content:
    return Content(path, hashlib.sha256(path.read_bytes()).hexdigest()[:16] + path.suffix)


def _real(data: Path, rng: random.Random) -> list[Path]:
    """About half of them office files, mails and the like, the rest plain pages; no two of the same bytes."""
    found: dict[bytes, Path] = {}
    for path in sorted(data.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and 0 < path.stat().st_size < LARGEST:
            found.setdefault(path.read_bytes(), path)
    paths = list(found.values())
    mixed = [path for path in paths if "documents" in path.parts]
    pages = rng.sample([path for path in paths if "scale" in path.parts], 200)
    return [path for pair in zip(rng.sample(mixed, len(mixed)), pages, strict=False) for path in pair]


def _made(folder: Path, number: int, rng: random.Random) -> Path:
    suffix = (".md", ".html", ".txt", ".md", ".zip", ".csv")[number % 6]
    path = folder / f"made-{number}{suffix}"
    path.write_bytes(_bytes(suffix, number, rng))
    return path


def _bytes(suffix: str, number: int, rng: random.Random) -> bytes:
    if suffix == ".zip":
        return _zip(
            {f"folder/{member}.md": _bytes(".md", number, rng) for member in range(rng.randint(1, 3))}
        )
    texts = [
        " ".join(rng.choices(WORDS, k=60)).capitalize() + f" {number}." for _ in range(rng.randint(1, 12))
    ]
    match suffix:
        case ".html":
            return "".join(f"<h2>Part</h2><p>{text}</p>" for text in texts).encode()
        case ".csv":
            return "\n".join(",".join(text.split()[:6]) for text in texts).encode()
    return "\n\n".join(f"# Part {number}\n\n{text}" for text in texts).encode()


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
