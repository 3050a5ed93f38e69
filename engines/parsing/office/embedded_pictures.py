"""Text in the pictures of documents, beside the text of the documents themselves."""

from __future__ import annotations

import io

from engines.parsing import Element, ElementKind
from engines.parsing.job import Job

_MIN_WIDTH, _MIN_HEIGHT = 100, 30  # pixels
_MIN_LETTERS = 3  # fewer are what recognition sees in patterns
_DRAWINGS = ("EMF", "WMF")


class Pictures:
    """Recognises pictures one by one, as many as the limits allow."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._left = job.limits.ocr_pages

    def read(self, data: bytes, page: int | None = None) -> list[Element] | None:
        """Return the text, or None if the picture could not be read. Small pictures have none, and large letters in a
        picture are no title of the page."""
        from PIL import Image

        try:
            with Image.open(io.BytesIO(data)) as image:
                is_small = image.width < _MIN_WIDTH or image.height < _MIN_HEIGHT
                is_readable = image.format not in _DRAWINGS
        except (OSError, ValueError, SyntaxError):
            return None
        if is_small:
            return []
        if not is_readable or not self._left:
            return None
        from engines.parsing.pictures import (
            images,
            layout,  # take seconds
        )

        self._left -= 1
        found = list(layout.elements(images.read_embedded(self._job, io.BytesIO(data))))
        if sum(map(str.isalnum, "".join(element.text for element in found))) < _MIN_LETTERS:
            return []
        return [
            element._replace(page=page)
            if element.kind is not ElementKind.TITLE
            else element._replace(kind=ElementKind.TEXT, level=0, page=page)
            for element in found
        ]
