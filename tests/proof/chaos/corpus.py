"""The uploaded files: real documents of many kinds, generated ones, and some that kill the worker that parses them."""

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
MAX_BYTES = 60_000
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


def collect(folder: Path, data: Path | None, count: int, seed: int) -> list[Content]:
    """Return `count` different ones, shuffled by `seed`: real ones from `data` if there are enough, and generated ones."""
    rng = random.Random(seed)
    paths = _real_files(data, rng)[: count - count // 10] if data else []
    for number in range(count - len(paths)):
        suffix = (".md", ".html", ".txt", ".md", ".zip", ".csv")[number % 6]
        path = folder / f"made-{number}{suffix}"
        path.write_bytes(_generated_bytes(suffix, number, rng))
        paths.append(path)
    contents = {content.key: content for content in map(_content, paths)}
    assert len(contents) == count
    return rng.sample(list(contents.values()), count)


def poison(folder: Path, count: int) -> list[Content]:
    contents = []
    for number in range(count):
        path = folder / f"poison-{number}.txt"
        path.write_bytes(POISON + f" number {number}".encode())
        contents.append(_content(path))
    return contents


def extras(folder: Path) -> list[dict[str, Content]]:
    """Return two uploads in succession: an archive that is replaced by a smaller one, a page that is replaced, and a file
    that cannot be parsed."""
    files = {
        "more.zip": _zip({"a.md": b"# A\n\nAmber.", "b.md": b"# B\n\nBirch."}),
        "less.zip": _zip({"a.md": b"# A\n\nAmber."}),
        "old.md": b"---\ntags: [amber]\n---\n# Old\n\nCedar.",
        "new.md": b"# New\n\nDelta.",
        "broken.pdf": b"%PDF-1.4 broken",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    contents = {name: _content(folder / name) for name in files}
    return [
        {
            "extra.zip": contents["more.zip"],
            "extra.md": contents["old.md"],
            "extra.pdf": contents["broken.pdf"],
        },
        {"extra.zip": contents["less.zip"], "extra.md": contents["new.md"]},
    ]


def _content(path: Path) -> Content:
    return Content(path, hashlib.sha256(path.read_bytes()).hexdigest()[:16] + path.suffix)


def _real_files(data: Path, rng: random.Random) -> list[Path]:
    """Return office files, mails and the like alternating with plain pages, no two of the same bytes."""
    by_bytes: dict[bytes, Path] = {}
    for path in sorted(data.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and 0 < path.stat().st_size < MAX_BYTES:
            by_bytes.setdefault(path.read_bytes(), path)
    paths = list(by_bytes.values())
    mixed = [path for path in paths if "documents" in path.parts]
    pages = rng.sample([path for path in paths if "scale" in path.parts], 200)
    return [path for pair in zip(rng.sample(mixed, len(mixed)), pages, strict=False) for path in pair]


def _generated_bytes(suffix: str, number: int, rng: random.Random) -> bytes:
    if suffix == ".zip":
        return _zip(
            {
                f"folder/{member}.md": _generated_bytes(".md", number, rng)
                for member in range(rng.randint(1, 3))
            }
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
