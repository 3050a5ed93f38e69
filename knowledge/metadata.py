"""What is said of a document: by users and sources (`metadata_json`), and by its file (`file_metadata_json`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.json_values import why_not_storable
from knowledge.errors import UploadInvalidError

FILE_PREFIX = "file_"


def check_metadata(metadata: dict[str, Any], filename: str) -> None:
    """Raises UploadInvalidError for what cannot be filtered by or stored."""
    if wrong := [key for key, value in metadata.items() if not is_filterable(value)]:
        raise UploadInvalidError(
            f"Metadata '{wrong[0]}' of '{filename}' must be text, a number, true, false, null or a list of these."
        )
    if why := next(filter(None, map(why_not_storable, _plain_values(metadata))), ""):
        raise UploadInvalidError(f"Metadata of '{filename}' cannot be kept. {why}.")


def is_filterable(value: object) -> bool:
    """Text, a number, true, false, null, or a list of these."""
    values = value if isinstance(value, list) else [value]
    return all(one is None or isinstance(one, str | int | float) for one in values)


def filterable(metadata: dict[str, Any], file_metadata: dict[str, Any]) -> dict[str, Any]:
    """Both as searches filter by them: the file's own "author" is "file_author"."""
    of_file = {f"{FILE_PREFIX}{key}": value for key, value in file_metadata.items() if is_filterable(value)}
    return {**metadata, **of_file}


def _plain_values(metadata: dict[str, Any]) -> Iterator[Any]:
    for key, value in metadata.items():
        yield from (key, *value) if isinstance(value, list) else (key, value)
