"""Shows how files are read: `python -m tests.proof.reading.show FILE…` prints their elements, one after another, with kind
and page, what is in their metadata, and their warnings.

With `--reference`, it prints what a reference lacks and what it has more: the one beside the file, or that of a public
collection in `READING_CORPORA`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from engines.parsing import Element, ParserConfig
from engines.parsing.process_pool import PooledParser
from tests.proof.reading import collections
from tests.proof.reading.collections import Sample
from tests.proof.reading.judgement import Reading
from tests.proof.reading.measures import words
from tests.proof.reading.trial import read

CONFIG = ParserConfig(processes=1, seconds=50, memory_mb=1536, output_mb=256, text_mb=16, ocr_pages=200)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="+", type=Path)
    arguments.add_argument("--reference", action="store_true", help="show missing and surplus words alone")
    options = arguments.parse_args()
    parser = PooledParser(CONFIG)
    for path in options.files:
        reading = read(parser, path, path.name)
        print(f"=== {path} {reading.error}")
        print(differences(reading, sample_of(path)) if options.reference else text_of(reading))
    parser.close()


def text_of(reading: Reading) -> str:
    document = reading.document
    notes = [f"{name}: {value}" for name, value in document.metadata.items()]
    notes += [f"warning {code}: {detail}" for code, detail in document.warnings]
    notes += [f"member {name}: {len(text)} characters" for name, text in reading.members.items()]
    return "\n".join([*map(line_of, document.elements), *notes])


def line_of(element: Element) -> str:
    level = f" {element.level}" if element.level else ""
    return f"[{element.kind}{level}{f' @{element.page}' if element.page else ''}] {element.text}"


def sample_of(path: Path) -> Sample:
    """Raise FileNotFoundError if there is no reference."""
    samples = collections.samples(path.parent) or [
        one for some in collections.public().values() for one in some
    ]
    found = [sample for sample in samples if sample.path.resolve() == path.resolve()]
    if not found:
        raise FileNotFoundError(f"{path} has no reference.")
    return found[0]


def differences(reading: Reading, sample: Sample) -> str:
    reference = sample.reference
    read_words, expected = Counter(words(reading.text)), Counter(words(reference.text))
    surplus = read_words - expected - Counter(words("\n".join(reference.optional)))
    missing = expected - read_words
    return f"{_part('missing', missing, expected)}\n{_part('surplus', surplus, read_words)}"


def _part(name: str, counts: Counter[str], of: Counter[str]) -> str:
    found = ", ".join(f"{word}×{count}" if count > 1 else word for word, count in counts.most_common())
    return f"{name} {counts.total()} of {of.total()}: {found}"


if __name__ == "__main__":
    main()
