"""A row of the registry of formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`reader` names the function that reads the format, "module.function"; its module is imported when first needed,
    because some take seconds. `version` changes whenever the reader would give something else for the same bytes.

    `drawer` names the function that draws a page of it, as people see it, if there is one.

    `name` is used in sentences, `label` in lists, `group` where all supported formats are listed. `suffixes` distinguish
    kinds of text, and tell which reader to load before the content is known. `detected_as` are the content detectors' names
    for the format.

    Binary formats are recognised by the first bytes (`signature`, a regular expression); in a zip archive by the type that
    its entry `mimetype` has (one of `packages`), or by a `folder` or a file in it; in an OLE file by one of its `streams`,
    in lower case.

    Only the readers that `starts_programs` may do so. A format `shares_process` if its reader is Python alone, or calls
    `own_process.require` before native code reads what is in the file.
    """

    mime_type: str
    reader: str
    name: str
    label: str
    group: str
    drawer: str = ""
    version: int = 1
    is_text: bool = False
    suffixes: tuple[str, ...] = ()
    detected_as: tuple[str, ...] = ()
    signature: bytes = b""
    packages: tuple[str, ...] = ()
    folder: str = ""
    streams: tuple[str, ...] = ()
    starts_programs: bool = False
    shares_process: bool = False


def text_format(
    mime_type: str,
    reader: str,
    label: str,
    *suffixes: str,
    name: str = "document",
    group: str = "",
    shares_process: bool = True,
    **more: Any,
) -> Format:
    return Format(
        mime_type=mime_type,
        reader=reader,
        name=name,
        label=label,
        group=group or label,
        is_text=True,
        shares_process=shares_process,
        suffixes=suffixes,
        **more,
    )


def binary_format(
    mime_type: str, reader: str, label: str, *detected_as: str, name: str, group: str = "", **more: Any
) -> Format:
    return Format(
        mime_type=mime_type,
        reader=reader,
        name=name,
        label=label,
        group=group or label,
        detected_as=detected_as,
        **more,
    )
