"""Pictures."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

# By subtype: the detectors' names, and further suffixes. The detectors call AVIF and HEIC by names that other formats share.
SUBTYPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{subtype: ((subtype,), ()) for subtype in ("png", "bmp", "webp", "gif")},
    "jpeg": (("jpeg",), (".jpg",)),
    "tiff": (("tiff",), (".tif",)),
    "heic": ((), (".heic",)),
    "heif": (("heif",), ()),
    "avif": ((), (".avif",)),
}
FORMATS: tuple[Format, ...] = tuple(
    binary_format(
        f"image/{subtype}",
        "engines.parsing.pictures.images.read",
        subtype.upper(),
        *labels,
        name="picture",
        group="images",
        drawer="engines.parsing.pictures.drawing.draw",
        suffixes=suffixes,
        version=2,
    )
    for subtype, (labels, suffixes) in SUBTYPES.items()
)
