"""Archives, and compressed files."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format

ZIP = "application/zip"
TAR = "application/x-tar"
GZIP = "application/gzip"
BZIP2 = "application/x-bzip2"
XZ = "application/x-xz"
_READER = "engines.parsing.archives.archive.read"
_GROUP = "tar, gz, bz2 and xz archives"


def _compressed(mime_type: str, label: str, detected_as: str, signature: bytes, *suffixes: str) -> Format:
    return binary_format(
        mime_type,
        f"{_READER}_compressed",
        label,
        detected_as,
        name=f"{label} file",
        group=_GROUP,
        suffixes=suffixes,
        signature=signature,
    )


FORMATS: tuple[Format, ...] = (
    binary_format(ZIP, f"{_READER}_zip", "ZIP", "zip", name="zip archive", group="zip archives", version=2),
    binary_format(
        TAR,
        f"{_READER}_tar",
        "tar",
        "tar",
        name="tar archive",
        group=_GROUP,
        signature=rb".{257}ustar",
    ),
    _compressed(GZIP, "gzip", "gzip", b"\x1f\x8b", ".gz", ".tgz"),
    _compressed(BZIP2, "bzip2", "bzip", b"BZh", ".bz2", ".tbz2"),
    _compressed(XZ, "xz", "xz", b"\xfd7zXZ\0", ".xz", ".txz"),
)
