"""The files that are read, and their references: our own, and those of public collections that whoever runs the harness
has fetched into a folder, `READING_CORPORA`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.proof.reading.docling import docling_reference
from tests.proof.reading.reference import ENDING, Reference, read_reference

HERE = Path(__file__).parent
OWN, UNSEEN = HERE / "own", HERE / "unseen"
CORPORA = Path(os.environ["READING_CORPORA"]) if "READING_CORPORA" in os.environ else None
TO_FETCH = """READING_CORPORA must be a folder with a copy of docling's tests. To make one (some 100 MB):
  git clone --depth 1 --filter blob:none --sparse https://github.com/docling-project/docling corpora/docling
  git -C corpora/docling sparse-checkout set tests/data"""
# Of docling's test data, those that a reader of text, not of sounds, has a use for.
DOCLING = [
    *("asciidoc", "csv", "doc", "docx", "epub", "html", "jats", "md", "odf", "pdf", "ppt", "pptx"),
    *("uspto", "webvtt", "xls", "xlsx"),
]
# Formats that differ in their ending alone.
SAME = {"htm": "html", "nxml": "xml", "asciidoc": "adoc", "jpeg": "jpg", "docm": "docx", "dotx": "docx"}
SAME |= {"ppsx": "pptx", "potx": "pptx", "xlsm": "xlsx", "yml": "yaml", "markdown": "md"}


class Sample(NamedTuple):
    """A file, and where its reference is."""

    path: Path
    reference_path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def format(self) -> str:
        ending = self.path.suffix[1:].lower()
        return SAME.get(ending, ending)

    @property
    def reference(self) -> Reference:
        if self.reference_path.suffix == ENDING:
            return read_reference(self.reference_path)
        return docling_reference(self.reference_path)


def samples(folder: Path) -> list[Sample]:
    """Return a folder of ours: each file has its reference beside it."""
    found = sorted(folder.glob(f"*{ENDING}"))
    return [Sample(path.with_suffix(""), path) for path in found]


def public() -> dict[str, list[Sample]]:
    """Return docling's test files with its Markdown of them, or raise FileNotFoundError that says what to fetch."""
    data = CORPORA / "docling/tests/data" if CORPORA else None
    if not data or not data.is_dir():
        raise FileNotFoundError(TO_FETCH)
    return {"docling": [sample for family in DOCLING for sample in _pairs(data / family)]}


def _pairs(family: Path) -> Iterator[Sample]:
    """The text of `a.docx` is in `a.docx.md`; that of `a.pdf` can be in `a.md`."""
    for truth in sorted(family.glob("groundtruth/*.md")):
        sources = [family / "sources" / truth.stem, *sorted(family.glob(f"sources/{truth.stem}.*"))]
        yield from (Sample(source, truth) for source in [one for one in sources if one.is_file()][:1])
