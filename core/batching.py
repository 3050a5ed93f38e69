"""Items in batches of a size (as `itertools.batched`, which Python 3.11 lacks)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one perhaps shorter; the items are read lazily."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
