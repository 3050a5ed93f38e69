"""OCR of images in PowerPoint files, where a page has nearly no text, as in scans and slides that are images."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pptx
from docx.opc.constants import RELATIONSHIP_TYPE

from engines.parsing import Element, images, ocr
from engines.parsing.job import Job
from engines.parsing.layout import elements

_MIN_LETTERS = 12


def read_pptx(job: Job) -> list[Element]:
    slides = enumerate(pptx.Presentation(str(job.path)).slides, 1)
    return _read(job, ((number, slide.part) for number, slide in slides))


def _read(job: Job, parts: Iterable[tuple[int | None, Any]]) -> list[Element]:
    """Recognise the images of the parts with nearly no text, each image once. The parts come with their pages."""
    by_name: dict[str, tuple[int | None, bytes]] = {}
    for page, part in parts:
        letters = sum(len(text.strip()) for text in part._element.itertext())
        for relation in part.rels.values() if letters < _MIN_LETTERS else ():
            if relation.reltype == RELATIONSHIP_TYPE.IMAGE and not relation.is_external:
                image = relation.target_part
                by_name.setdefault(image.partname, (page, image.blob))
    ocr.check_pages(job, len(by_name))
    return [
        element._replace(page=page)
        for page, data in by_name.values()
        for element in elements(images.read_embedded(job, io.BytesIO(data)))
    ]
