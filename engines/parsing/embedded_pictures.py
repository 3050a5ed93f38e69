"""Text in the pictures of slides, beside the text of the slides themselves."""

from __future__ import annotations

import io

from engines.parsing import Element
from engines.parsing.job import Job

_MIN_WIDTH, _MIN_HEIGHT = 100, 30  # pixels
_DRAWINGS = ("EMF", "WMF")


class Pictures:
    """Recognises pictures one by one, as many as the limits allow."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._left = job.limits.ocr_pages

    def read(self, data: bytes) -> list[Element] | None:
        """Return the text, or None if the picture could not be read. Small pictures have none."""
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
        from engines.parsing import images, layout  # take seconds

        self._left -= 1
        return list(layout.elements(images.read_embedded(self._job, io.BytesIO(data))))
