"""Images: OCR of every frame, upright and no larger than OCR needs."""

from __future__ import annotations

import warnings
from typing import Any, BinaryIO

from pi_heif.as_plugin import register_heif_opener
from PIL import Image, ImageOps, ImageSequence

from engines.parsing import ParsedDocument
from engines.parsing.job import Job
from engines.parsing.pages.blocks import Line, Table
from engines.parsing.pictures import ocr
from engines.parsing.pictures.layout import elements
from engines.parsing.pictures.sizes import MAX_MEGAPIXELS, check_size, megapixels
from engines.parsing.warnings import listed, warning

_MAX_SIDE_PIXELS = 3_000

register_heif_opener()


def read(job: Job) -> ParsedDocument:
    """Each frame of a TIFF is a page; an animation is read by its first frame."""
    blocks: list[Line | Table] = []
    unreadable: list[str] = []
    with warnings.catch_warnings(action="ignore"), Image.open(job.path) as image:
        check_size(image)
        pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        ocr.check_pages(job, pages)
        for number, frame in enumerate(ImageSequence.Iterator(image), 1):
            if number > pages:
                break
            check_size(frame)
            recognition = ocr.recognise(job, _pixels(frame), number)
            blocks += recognition.blocks
            unreadable += [str(number)] if recognition.is_unreadable else []
        metadata = {"page_count": getattr(image, "n_frames", 1)}
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(elements(blocks)),
        metadata=metadata,
        warnings=(warning("unreadable_text", pages=f"page {listed(unreadable)}"),) if unreadable else (),
    )


def read_embedded(job: Job, file: BinaryIO) -> list[Line | Table]:
    """Read an image inside a document. One that is broken or too large has no lines."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file) as image:
            return ocr.recognise(job, _pixels(image), 1).blocks if megapixels(image) <= MAX_MEGAPIXELS else []
    except (OSError, ValueError, SyntaxError):
        return []


def _pixels(frame: Any) -> Any:
    """Return the frame as blue, green and red, as OCR expects them. Transparency becomes white."""
    import numpy as np

    frame.draft("RGB", (_MAX_SIDE_PIXELS, _MAX_SIDE_PIXELS))
    upright = ImageOps.exif_transpose(frame)
    upright.thumbnail((_MAX_SIDE_PIXELS, _MAX_SIDE_PIXELS))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        over = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return np.asarray(upright.convert("RGB"))[:, :, ::-1]
