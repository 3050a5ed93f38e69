"""The registry of formats: the rows of all modules in `readers`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from engines.parsing import ParseError, readers
from engines.parsing.format import Format

if TYPE_CHECKING:
    from engines.parsing import ParsedDocument

# In the order of the modules' names.
FORMATS: tuple[Format, ...] = tuple(
    row
    for module in iter_modules(readers.__path__)
    for row in import_module(f"{readers.__name__}.{module.name}").FORMATS
)
BY_TYPE = {one.mime_type: one for one in FORMATS}
_SUFFIXES = {
    **{f".{label}": one.mime_type for one in FORMATS for label in one.detected_as},
    **{suffix: one.mime_type for one in FORMATS for suffix in one.suffixes},
}
# Changes whenever the cleaning or the limits that apply to all readers change.
COMMON_VERSION = 4


def display_name(mime_type: str) -> str:
    """Return the type's name for use in a sentence."""
    return BY_TYPE[mime_type].name if mime_type in BY_TYPE else "document"


def likely_type(filename: str) -> str:
    """Return the type that the name's suffix stands for, or "". The content decides; this only says what to load before."""
    return _SUFFIXES.get(PurePath(filename).suffix.lower(), "")


def is_text_name(filename: str) -> bool:
    """Return whether the name's suffix stands for a format of text."""
    mime_type = likely_type(filename)
    return bool(mime_type) and BY_TYPE[mime_type].is_text


def reader_version(mime_type: str) -> str:
    """Return a value that changes whenever the same bytes of this type would give other elements; "" for an unknown type."""
    format = BY_TYPE.get(mime_type)
    return f"{COMMON_VERSION}.{format.version}" if format else ""


def supported_formats() -> str:
    """Return all supported formats as the end of a sentence."""
    *most, last = dict.fromkeys(one.group for one in FORMATS)
    return f"{', '.join(most)} and {last}"


def load_reader(mime_type: str) -> Callable[[Any], ParsedDocument]:
    """Return the function that reads this type from an `engines.parsing.job.Job`."""
    module, _, function = BY_TYPE[mime_type].reader.rpartition(".")
    reader: Callable[[Any], ParsedDocument] = getattr(import_module(module), function)
    return reader


def load_drawer(mime_type: str) -> Callable[[Any], ParsedDocument]:
    """Return the function that draws a page of this type. Raise ParseError if there is none."""
    module, _, function = BY_TYPE[mime_type].drawer.rpartition(".")
    if not function:
        raise ParseError("no_picture")
    drawer: Callable[[Any], ParsedDocument] = getattr(import_module(module), function)
    return drawer
