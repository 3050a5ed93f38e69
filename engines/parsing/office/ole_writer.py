"""Writes OLE files: an object inside of a document becomes a file of its own."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_SECTOR = 4096
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_STREAM, _STORAGE, _ROOT = 2, 1, 5
# Shorter streams would be kept apart: they are filled with zeros instead, which their readers pass over.
_MIN_STREAM = 4096
_HEADER_FATS = 109
_MAX_ENTRIES = 2_000

Path = tuple[str, ...]


def written(streams: Mapping[Path, bytes]) -> bytes:
    """Return a file with these streams, each below its storages. Raise ValueError if it would be too large."""
    folders = {path[:depth] for path in streams for depth in range(1, len(path))}
    paths: list[Path] = [(), *sorted({*folders, *streams}, key=lambda path: (len(path), path))]
    sectors: list[bytes] = []
    fat: list[int] = []
    starts = {path: _append(sectors, fat, data.ljust(_MIN_STREAM, b"\0")) for path, data in streams.items()}
    directory = b"".join(_entry(path, paths, streams, starts) for path in paths)
    first = _append(sectors, fat, directory)
    count = 1
    while count * _SECTOR // 4 < len(fat) + count:
        count += 1
    if count > _HEADER_FATS or len(paths) > _MAX_ENTRIES:
        raise ValueError("the object is too large")
    places = list(range(len(fat), len(fat) + count))
    table = [*fat, *[_FAT] * count]
    table += [_FREE] * (count * _SECTOR // 4 - len(table))
    header = struct.pack(
        "<8s16x5H6x9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 4, 0xFFFE, 12, 6,
        *(-(-len(directory) // _SECTOR), count, first, 0, _MIN_STREAM, _END, 0, _END, 0),
    )  # fmt: skip
    header += struct.pack(f"<{_HEADER_FATS}I", *places, *[_FREE] * (_HEADER_FATS - count))
    return header.ljust(_SECTOR, b"\0") + b"".join(sectors) + struct.pack(f"<{len(table)}I", *table)


def _append(sectors: list[bytes], fat: list[int], data: bytes) -> int:
    """Add a chain of sectors, and return the first."""
    start, count = len(fat), -(-len(data) // _SECTOR)
    sectors.append(data.ljust(count * _SECTOR, b"\0"))
    fat += [*range(start + 1, start + count), _END]
    return start


def _entry(path: Path, paths: list[Path], streams: Mapping[Path, bytes], starts: Mapping[Path, int]) -> bytes:
    """Return an entry of the directory. What is in one storage is a chain in order of names, which is a tree, too."""
    siblings = [one for one in paths if path and len(one) == len(path) and one[:-1] == path[:-1]]
    children = [one for one in paths if len(one) == len(path) + 1 and one[:-1] == path]
    order = _in_order(siblings)
    following = order[order.index(path) + 1] if path and order[-1] != path else None
    name = (path[-1] if path else "Root Entry").encode("utf-16-le")[:62]
    kind = _STREAM if path in streams else _STORAGE if path else _ROOT
    size = max(len(streams[path]), _MIN_STREAM) if path in streams else 0
    return struct.pack(
        "<64sHBBIII36xIQ", name, len(name) + 2, kind, 1, _FREE,
        _FREE if following is None else paths.index(following),
        paths.index(_in_order(children)[0]) if children else _FREE,
        starts.get(path, _END if path == () else 0), size,
    )  # fmt: skip


def _in_order(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: (len(path[-1]), path[-1].upper()))
