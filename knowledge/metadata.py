"""A document's metadata: from users and sources (`metadata_json`), and from its file (`file_metadata_json`)."""

from __future__ import annotations

from typing import Any

from core.json_values import JSON_LENGTH, json_text, why_not_storable
from knowledge.errors import UploadInvalidError

FILE_PREFIX = "file_"


def check_metadata(metadata: dict[str, Any], filename: str) -> None:
    """Raises UploadInvalidError for metadata that are too long, for values that cannot be filtered by, and for what
    PostgreSQL cannot store."""
    if len(json_text(metadata)) > JSON_LENGTH:
        raise UploadInvalidError(
            f"Metadata of '{filename}' have more than {JSON_LENGTH:,} characters of JSON."
        )
    for key, value in metadata.items():
        if not is_filterable(value):
            raise UploadInvalidError(
                f"Metadata '{key}' of '{filename}' must be text, a number, true, false, null or a list of these."
            )
    for key, value in metadata.items():
        for scalar in (key, *value) if isinstance(value, list) else (key, value):
            if reason := why_not_storable(scalar):
                raise UploadInvalidError(f"Metadata of '{filename}' cannot be kept. {reason}.")


def bounded_file_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """The first of a file's own properties, as many as fit into `JSON_LENGTH`: a file may have any number of any length."""
    kept: dict[str, Any] = {}
    room = JSON_LENGTH
    for name, value in metadata.items():
        length = len(json_text({name: value}))
        if length <= room:
            kept[name], room = value, room - length
    return kept


def is_filterable(value: object) -> bool:
    """Text, a number, true, false, null, or a list of these."""
    values = value if isinstance(value, list) else [value]
    return all(scalar is None or isinstance(scalar, str | int | float) for scalar in values)


def filterable(metadata: dict[str, Any], file_metadata: dict[str, Any]) -> dict[str, Any]:
    """Both, as searches filter by them: the file's "author" becomes "file_author"."""
    prefixed = {f"{FILE_PREFIX}{key}": value for key, value in file_metadata.items() if is_filterable(value)}
    return {**metadata, **prefixed}
