"""Pictures: upright, no larger than recognition needs, every frame a page."""

from __future__ import annotations

import warnings
from typing import Any, BinaryIO

import pillow_heif
from PIL import Image, ImageOps, ImageSequence

from engines.parsing import ParsedDocument, ParseError, ocr
from engines.parsing.job import Job
from engines.parsing.layout import Line, elements

_MOST_MEGAPIXELS = 100
_LONGEST_SIDE = 3_000

pillow_heif.register_heif_opener()
pillow_heif.register_avif_opener() if hasattr(pillow_heif, "register_avif_opener") else None
Image.MAX_IMAGE_PIXELS = None  # our own limit comes first, with a clearer sentence


def read(job: Job) -> ParsedDocument:
    with warnings.catch_warnings(action="ignore"), Image.open(job.path) as image:
        _check_size(image)
        lines = _lines(image, job)
        pages = getattr(image, "n_frames", 1)
    return ParsedDocument(
        mime_type=job.mime_type, elements=tuple(elements(lines)), metadata={"page_count": pages}
    )


def lines_of_embedded(job: Job, file: BinaryIO) -> list[Line]:
    """A picture inside a document: what cannot be shown as pixels, or is too large, is passed over."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file) as image:
            return ocr.lines(job, _pixels(image), 1) if _megapixels(image) <= _MOST_MEGAPIXELS else []
    except (OSError, ValueError, SyntaxError):
        return []


def _check_size(image: Any) -> None:
    if _megapixels(image) > _MOST_MEGAPIXELS:
        raise ParseError("image_too_large", pixels=_megapixels(image), limit=_MOST_MEGAPIXELS)


def _megapixels(image: Any) -> int:
    return int(image.width * image.height // 1_000_000)


def _lines(image: Any, job: Job) -> list[Line]:
    """An animation is one picture; the pages of a TIFF are many."""
    found: list[Line] = []
    total = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    ocr.check_pages(job, total)
    for number, frame in enumerate(ImageSequence.Iterator(image), 1):
        if number > total:
            break
        _check_size(frame)
        found += ocr.lines(job, _pixels(frame), number)
    return found


def _pixels(frame: Any) -> Any:
    """Blue, green and red, as recognition wants them; transparency becomes white paper."""
    import numpy as np

    frame.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
    upright = ImageOps.exif_transpose(frame)
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        over = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return np.asarray(upright.convert("RGB"))[:, :, ::-1]
