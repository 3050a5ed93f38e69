"""PowerPoint."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
PPT = "application/vnd.ms-powerpoint"
NAME = "PowerPoint presentation"
FORMATS: tuple[Format, ...] = (
    binary_format(
        PPTX,
        "engines.parsing.slides.reader.read",
        "PowerPoint",
        "pptx",
        name=NAME,
        version=2,
        folder="ppt",
    ),
    binary_format(
        PPT,
        "engines.parsing.slides.old_slides.read",
        "PowerPoint",
        "ppt",
        name=NAME,
        version=2,
        streams=("powerpoint document",),
    ),
)
