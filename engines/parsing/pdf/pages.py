"""The pages of a PDF: first all text layers, then what has to be recognised."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from engines.parsing import ReadingWarning
from engines.parsing.job import Job
from engines.parsing.pages.blocks import Block, Line, Table
from engines.parsing.pdf.annotations import add_annotations, attached_files
from engines.parsing.pdf.attachments import Attachments
from engines.parsing.pdf.drawn_objects import drawn_objects
from engines.parsing.pdf.furniture import without_furniture, without_line_numbers
from engines.parsing.pdf.legibility import has_unknown_letters, is_legible
from engines.parsing.pdf.page_frame import PageFrame
from engines.parsing.pdf.page_layout import lay_out
from engines.parsing.pdf.pictures import (
    Picture,
    illegible_part,
    insert_recognised,
    pictures_without_text,
    recognise_part,
)
from engines.parsing.pdf.ruling_lines import ruling_lines
from engines.parsing.pdf.tagged_titles import title_levels
from engines.parsing.pdf.text_layer import TextLayer
from engines.parsing.pdf.unseen_text import without_unseen
from engines.parsing.pictures import ocr
from engines.parsing.warnings import listed, warning

_MIN_LETTERS = 12
_MAX_PICTURES = 20
_MAX_LOOKS = 50  # each takes as long as reading ten pages
_MIN_CERTAIN = 88
_GRAPHICS = frozenset(
    {pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_PATH, pdfium_c.FPDF_PAGEOBJ_SHADING}
)


class Pages:
    """`hidden` counts what is not shown on them, `attachments` are the files inside."""

    def __init__(self, document: Any, job: Job) -> None:
        self.hidden, self.attachments = 0, Attachments(job)
        self._document, self._job = document, job
        self._blocks: dict[int, list[Line | Table]] = {}
        self._frames: dict[int, PageFrame] = {}
        self._scanned: list[int] = []
        self._pictures: dict[int, list[Picture]] = {}
        self._seen = set[tuple[int, ...]]()
        self._looks = 0  # at pages with text that may be unseen
        self._pages_by_warning: dict[str, list[int]] = {}

    def read_text_layers(self) -> None:
        self.attachments.add_all(self._document)
        for number, page in self._open(range(1, len(self._document) + 1)):
            self._frames[number] = frame = PageFrame.of(page)
            pieces = self._pieces(page, number, frame)
            if self._is_scanned(page, pieces):
                self._scanned.append(number)
            else:
                illegible = [piece for piece in pieces if has_unknown_letters(piece.text)]
                pieces = [piece for piece in pieces if not has_unknown_letters(piece.text)]
                pictures = pictures_without_text(page, frame, pieces)
                self._choose_pictures(number, [*illegible_part(illegible), *pictures])
            blocks = lay_out(without_line_numbers(pieces), partial(ruling_lines, page, frame))
            self._blocks[number] = [
                replace(block, words=()) if isinstance(block, Line) else block for block in blocks
            ]
            self._add_annotations(page, number)
            for attachment in attached_files(page):
                self.attachments.add(attachment)

    def recognise(self) -> None:
        """Recognise the scanned pages, whose number is known before the first, which takes a second; and some pictures."""
        ocr.check_pages(self._job, len(self._scanned))
        for number, page in self._open(self._scanned):
            frame = self._frames[number]
            whole_page = 0.0, 0.0, frame.width, frame.height
            recognition = recognise_part(self._job, page, frame, whole_page, number)
            self._note(recognition, number)
            if recognition.blocks and is_legible(_text(recognition.blocks)):
                self._blocks[number] = recognition.blocks
                self._add_annotations(page, number)
            elif not self._blocks[number] and not recognition.is_unreadable:
                self._warn("unread_pages", number)
        for number, page in self._open(self._pictures):
            for picture in self._pictures[number]:
                recognition = recognise_part(self._job, page, self._frames[number], picture.box, number)
                self._note(recognition, number)
                self._blocks[number] = insert_recognised(self._blocks[number], recognition.blocks)

    def blocks(self) -> list[Block]:
        return without_furniture(
            self._blocks, {number: frame.height for number, frame in self._frames.items()}
        )

    def warnings(self) -> Iterator[ReadingWarning]:
        for code, numbers in self._pages_by_warning.items():
            pages = listed([str(number) for number in dict.fromkeys(numbers)])
            yield warning(code, pages=f"page {pages}" if len(set(numbers)) == 1 else f"pages {pages}")

    def _open(self, numbers: Iterable[int]) -> Iterator[tuple[int, Any]]:
        """Skip the pages that cannot be opened."""
        for number in numbers:
            with contextlib.suppress(pdfium.PdfiumError):
                page = self._document[number - 1]
                yield number, page
                page.close()

    @staticmethod
    def _is_scanned(page: Any, pieces: Sequence[Line]) -> bool:
        """Return whether the text layer means nothing, or there is nearly none but something is drawn."""
        text = _text(pieces)
        has_little = len("".join(text.split())) < _MIN_LETTERS
        return not is_legible(text) or (has_little and any(True for _ in drawn_objects(page, _GRAPHICS)))

    def _pieces(self, page: Any, number: int, frame: PageFrame) -> list[Line]:
        layer = TextLayer(page, number, frame, title_levels(self._document, page))
        try:
            pieces = layer.pieces()
        finally:
            layer.close()
        if any(piece.may_be_unseen for piece in pieces):
            self._looks += 1
        seen = without_unseen(pieces, page, frame) if self._looks <= _MAX_LOOKS else pieces
        self.hidden += layer.hidden + len(pieces) - len(seen)
        return seen

    def _choose_pictures(self, number: int, pictures: Sequence[Picture]) -> None:
        """Choose those that were not drawn before, while they are few."""
        for picture in pictures:
            if picture.identity in self._seen:
                continue
            self._seen.add(picture.identity)
            if sum(map(len, self._pictures.values())) < min(_MAX_PICTURES, self._job.limits.ocr_pages):
                self._pictures.setdefault(number, []).append(picture)
            else:
                self._warn("unread_pictures", number)

    def _add_annotations(self, page: Any, number: int) -> None:
        self._blocks[number] = add_annotations(
            self._blocks[number], self._document, page, number, self._frames[number]
        )

    def _note(self, recognition: ocr.Recognition, number: int) -> None:
        if recognition.is_unreadable:
            self._warn("unreadable_text", number)
        elif recognition.blocks and recognition.confidence < _MIN_CERTAIN:
            self._warn("uncertain_text", number)

    def _warn(self, code: str, number: int) -> None:
        self._pages_by_warning.setdefault(code, []).append(number)


def _text(blocks: Sequence[Line | Table]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, Line))
