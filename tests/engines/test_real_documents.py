"""Real documents and manuals, from ../shared. The conftest leaves these tests out where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.parsing.markup import markdown
from tests.engines.markup import blocks, read_rst
from tests.engines.reading import Read, texts
from tests.environment import SHARED

EXAMPLES = SHARED / "data" / "documents" / "unstructured"
SCALE = SHARED / "data" / "scale"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("simple.odt", "These are a few of my favorite things:"),
        ("fake-email-attachment.msg", "Here's the attachments!"),
        ("tests-example.xls", "What is 2+2?"),
        ("winter-sports.epub", "Winter Sports in Switzerland"),
        (
            "pdf__multi-column-2p.pdf",
            "select candidate contexts, where traditional sparse vector space models",
        ),
        ("pdf__fake-memo.pdf", "20,000 bottles of water"),
        ("simple.doc", "These are a few of my favorite things:"),
        ("handbook-1p.docx", "ROLE OF THE UNITED STATES TRUSTEE"),
        ("img__jpn-vert.jpeg", "元来日本語は漢文に倣い、文字を上から下へ"),
        ("eml__fake-email-utf-16.eml", "This is a test email to use for unit tests."),
        ("example-10k-1p.html", "SECURITIES EXCHANGE ACT OF 1934"),
    ],
)
def test_real_documents_are_parsed(read: Read, name: str, words: str) -> None:
    assert words in texts(read(name, (EXAMPLES / name).read_bytes()))


@pytest.mark.parametrize(
    ("name", "words"),
    [("simple.doc", "This is my second thought."), ("fake-power-point.ppt", "Here is a lot of text!")],
)
def test_old_office_formats_need_no_libreoffice(read: Read, name: str, words: str) -> None:
    assert words in texts(read(name, (EXAMPLES / name).read_bytes()))


@pytest.mark.parametrize(("folder", "ending"), [("cpp-docs", "md"), ("peps", "rst")])
def test_manuals_are_parsed_without_losing_words(folder: str, ending: str, tmp_path: Path) -> None:
    """Every word of the lines of plain prose is in the elements."""
    pages = sorted((SCALE / folder).glob(f"*.{ending}"))[::40]
    assert pages
    for page in pages:
        source = page.read_text(encoding="utf-8")
        if ending == "md":
            elements = blocks(markdown.elements(markdown.split_front_matter(source)[1]))
        else:
            elements, _ = read_rst(source, tmp_path)
        kept = " ".join(text for _, text in elements).split()
        plain = [
            line for line in source.split("\n") if line[:1].isalpha() and not set(line) & set("<>[]`*_|:\\\\")
        ]
        lost = (
            {word for line in plain[1:] for word in line.split() if word.isalpha()}
            - set(" ".join(kept).replace("-", " ").split())
            - set(kept)
        )
        assert not {word for word in lost if not any(word in text for text in kept)}, page.name
