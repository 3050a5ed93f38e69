"""Draws a picture, or a page of one, as people see it, small enough for a browser."""

from __future__ import annotations

import warnings
from itertools import islice
from typing import Any

from pi_heif.as_plugin import register_heif_opener
from PIL import Image, ImageOps, ImageSequence

from engines.parsing import Member, ParsedDocument, ParseError
from engines.parsing.job import Job
from engines.parsing.pictures.sizes import check_size

MAX_SIDE_PIXELS = 1_600
_QUALITY = 80

register_heif_opener()


def draw(job: Job) -> ParsedDocument:
    """Raise ParseError if it has no such page."""
    with warnings.catch_warnings(action="ignore"), Image.open(job.path) as image:
        check_size(image)
        pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        frame = next(islice(ImageSequence.Iterator(image), min(job.page, pages) - 1, None), None)
        if frame is None or job.page > pages:
            raise ParseError("no_picture")
        check_size(frame)
        return drawn(job, ImageOps.exif_transpose(frame))


def drawn(job: Job, image: Any) -> ParsedDocument:
    """A document whose only member is the picture."""
    image.thumbnail((MAX_SIDE_PIXELS, MAX_SIDE_PIXELS))
    path = job.workdir / "page.webp"
    image.convert("RGBA" if "A" in image.mode else "RGB").save(path, "WEBP", quality=_QUALITY)
    return ParsedDocument(mime_type=job.mime_type, members=(Member(name=path.name, path=path),))
