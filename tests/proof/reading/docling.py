"""What docling's test data give as the text of a file, as a reference: Markdown, and JSON with the page of each text."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from engines.parsing import ElementKind
from tests.proof.reading.measures import line, words
from tests.proof.reading.reference import Reference

# Comments, with the sort of picture that docling guesses below its own.
COMMENT = re.compile(r"<!--.*?-->(\n\n[A-Z][a-z]+ chart$)?", re.DOTALL | re.MULTILINE)
IMAGE, LINK = re.compile(r"!\[[^\]]*\]\([^)]*\)"), re.compile(r"\[([^\]]*)\]\((\S*?)\)")
ESCAPED = re.compile(r"\\([^a-zA-Z\d\s])")
RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*\|?")
TITLE = re.compile(r"(#{1,6}) (.*)")
FENCE = "```"


def docling_reference(path: Path) -> Reference:
    """Read the Markdown at `path`, and the pages from the JSON beside it, if there is one."""
    reference, pages = reference_of(path.read_text(encoding="utf-8")), path.with_suffix(".json")
    if pages.exists():
        pages_of = defaultdict[str, set[int]](set)
        for text in json.loads(pages.read_bytes())["texts"]:
            pages_of[line(words(text["text"]))] |= {place["page_no"] for place in text["prov"]}
        page_of = {text: min(numbers) for text, numbers in pages_of.items() if len(numbers) == 1}
        reference.elements = [
            replace(said, page=page_of.get(line(words(said.text)))) for said in reference.elements
        ]
    return reference


def reference_of(markdown: str) -> Reference:
    """Words of links' addresses are optional."""
    reference = Reference()
    plain = IMAGE.sub("", COMMENT.sub("", markdown))
    reference.optional = [address for _, address in LINK.findall(plain)]
    for number, part in enumerate(re.split(rf"^{FENCE}.*$", plain, flags=re.MULTILINE)):
        if number % 2:
            reference.add(ElementKind.CODE, part.strip("\n"), page=None, level=0)
        else:
            _add_blocks(reference, LINK.sub(r"\1", part))
    return reference


def _add_blocks(reference: Reference, markdown: str) -> None:
    for block in re.split(r"\n\s*\n", markdown.strip()):
        if not block.strip():
            continue
        if title := TITLE.fullmatch(block.strip()):
            reference.add(ElementKind.TITLE, _plain(title[2]), page=None, level=len(title[1]))
        elif block.startswith("|"):
            lines = [line for line in block.split("\n") if not RULE.fullmatch(line)]
            cells = "\n".join(line.strip().strip("|") for line in lines)
            reference.add(ElementKind.TABLE, _plain(cells), page=None, level=0)
        else:
            reference.add(ElementKind.TEXT, _plain(block), page=None, level=0)


def _plain(text: str) -> str:
    return ESCAPED.sub(r"\1", html.unescape(text)).strip(" ")
