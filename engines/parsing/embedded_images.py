"""Pictures in Word and PowerPoint files: recognised where they are all there is, as in scans and pictures of slides."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import docx
import pptx
from docx.opc.constants import RELATIONSHIP_TYPE

from engines.parsing import Element, images, ocr
from engines.parsing.job import Job
from engines.parsing.layout import elements

_FEW_LETTERS = 12


def of_docx(job: Job) -> list[Element]:
    part = docx.Document(str(job.path)).part
    return _recognised(job, _pictures([(None, part)]))


def of_pptx(job: Job) -> list[Element]:
    slides = enumerate(pptx.Presentation(str(job.path)).slides, 1)
    return _recognised(job, _pictures((number, slide.part) for number, slide in slides))


def _pictures(parts: Iterable[tuple[int | None, Any]]) -> Iterator[tuple[int | None, bytes]]:
    """Of the parts that hardly say anything; each picture once, with its page."""
    seen: set[str] = set()
    for page, part in parts:
        for relation in part.rels.values() if _letters(part) < _FEW_LETTERS else ():
            if relation.reltype == RELATIONSHIP_TYPE.IMAGE and not relation.is_external:
                picture = relation.target_part
                if picture.partname not in seen:
                    seen.add(picture.partname)
                    yield page, picture.blob


def _letters(part: Any) -> int:
    return sum(len(text.strip()) for text in part._element.itertext())


def _recognised(job: Job, pictures: Iterable[tuple[int | None, bytes]]) -> list[Element]:
    found = list(pictures)
    ocr.check_pages(job, len(found))
    return [
        element._replace(page=page)
        for page, data in found
        for element in elements(images.lines_of_embedded(job, io.BytesIO(data)))
    ]
