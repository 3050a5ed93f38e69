"""How large a picture may be."""

from __future__ import annotations

from typing import Any

from PIL import Image

from engines.parsing import ParseError

MAX_MEGAPIXELS = 100

Image.MAX_IMAGE_PIXELS = None  # `check_size` comes first, with a clearer message


def check_size(image: Any) -> None:
    """Raise ParseError."""
    if megapixels(image) > MAX_MEGAPIXELS:
        raise ParseError("image_too_large", pixels=megapixels(image), limit=MAX_MEGAPIXELS)


def megapixels(image: Any) -> int:
    return int(image.width * image.height // 1_000_000)
