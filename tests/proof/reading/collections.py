"""The files that are read, and their references: our own, and those of public collections that whoever runs the harness
has fetched into a folder, `READING_CORPORA`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.proof.reading.docling import docling_reference
from tests.proof.reading.pandoc import pandoc_reference
from tests.proof.reading.reference import ENDING, Reference, read_reference

HERE = Path(__file__).parent
OWN, UNSEEN = HERE / "own", HERE / "unseen"
CORPORA = Path(os.environ["READING_CORPORA"]) if "READING_CORPORA" in os.environ else None
TO_FETCH = """READING_CORPORA must be a folder with copies of the tests of docling and pandoc. To make one (some 150 MB):
  git clone --depth 1 --filter blob:none --sparse https://github.com/docling-project/docling corpora/docling
  git -C corpora/docling sparse-checkout set tests/data
  git clone --depth 1 --filter blob:none --sparse https://github.com/jgm/pandoc corpora/pandoc
  git -C corpora/pandoc sparse-checkout set test"""
# Of docling's test data, those that a reader of text, not of sounds, has a use for.
DOCLING = [
    *("asciidoc", "csv", "doc", "docx", "epub", "html", "jats", "md", "odf", "pdf", "ppt", "pptx"),
    *("uspto", "webvtt", "xls", "xlsx"),
]
PANDOC = ["docx", "epub", "odt", "pptx", "rtf", "xlsx-reader"]
# Formats that differ in their ending alone.
SAME = {"htm": "html", "nxml": "xml", "asciidoc": "adoc", "jpeg": "jpg", "docm": "docx", "dotx": "docx"}
SAME |= {"ppsx": "pptx", "potx": "pptx", "xlsm": "xlsx", "yml": "yaml", "markdown": "md"}
READERS = {ENDING: read_reference, ".md": docling_reference, ".native": pandoc_reference}


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
        return READERS[self.reference_path.suffix](self.reference_path)


def samples(folder: Path) -> list[Sample]:
    """Return a folder of ours: each file has its reference beside it."""
    found = sorted(folder.glob(f"*{ENDING}"))
    return [Sample(path.with_suffix(""), path) for path in found]


def public() -> dict[str, list[Sample]]:
    """Return {collection: its files}, or raise FileNotFoundError that says what to fetch."""
    docling, pandoc = (CORPORA / "docling/tests/data", CORPORA / "pandoc/test") if CORPORA else (HERE, HERE)
    if not CORPORA or not docling.is_dir() or not pandoc.is_dir():
        raise FileNotFoundError(TO_FETCH)
    return {
        "docling": [sample for family in DOCLING for sample in _of_docling(docling / family)],
        "pandoc": [sample for family in PANDOC for sample in _of_pandoc(pandoc / family)],
    }


def _of_docling(family: Path) -> Iterator[Sample]:
    """The text of `a.docx` is in `a.docx.md`; that of `a.pdf` can be in `a.md`."""
    for truth in sorted(family.glob("groundtruth/*.md")):
        sources = [family / "sources" / truth.stem, *sorted(family.glob(f"sources/{truth.stem}.*"))]
        yield from (Sample(source, truth) for source in [one for one in sources if one.is_file()][:1])


def _of_pandoc(family: Path) -> Iterator[Sample]:
    """The text of `a.rtf` is in `a.native`. Slides were made from `input.native`."""
    for truth in sorted(family.glob("**/*.native")):
        stem = "output" if truth.stem == "input" else truth.stem
        ending = family.name.removesuffix("-reader")
        sources = [truth.parent / f"{stem}.{ending}", family / ending / f"{stem}.{ending}"]
        yield from (Sample(source, truth) for source in sources if source.is_file())
