"""Formats that are recognised, so that a refusal calls them by their names, but are not read."""

from __future__ import annotations

import re
from pathlib import PurePath

_PACKAGE_TYPES = {
    "application/vnd.oasis.opendocument.graphics": "OpenDocument drawing",
    "application/vnd.oasis.opendocument.formula": "OpenDocument formula",
    "application/vnd.oasis.opendocument.database": "OpenDocument database",
    "application/vnd.sun.xml.writer": "OpenOffice 1 text",
    "application/vnd.sun.xml.calc": "OpenOffice 1 spreadsheet",
    "application/vnd.sun.xml.impress": "OpenOffice 1 presentation",
    "application/vnd.sun.xml.draw": "OpenOffice 1 drawing",
    "application/x-krita": "Krita picture",
    "image/openraster": "OpenRaster picture",
}
_IWORK_NAMES = {".pages": "Apple Pages", ".numbers": "Apple Numbers", ".key": "Apple Keynote"}
_IWORK = "Apple iWork"
# Of entries in zip files: the first that matches names the format. What has no people's files inside is no archive for them.
_ENTRIES = (
    (
        r"Index/.*\.iwa|([^/]+\.(pages|numbers|key)/)?Index\.zip|index\.apxl(\.gz)?|buildVersionHistory\.plist|Metadata/BuildVersionHistory\.plist",
        _IWORK,
    ),
    (r"visio/.*", "Visio drawing"),
    (r"FixedDocumentSequence\.fdseq|FixedDocSeq\.fdseq", "XPS document"),
    (r"AndroidManifest\.xml", "Android app"),
    (r"Payload/[^/]+\.app/.*", "iOS app"),
    (r"AppManifest\.xaml|AppxManifest\.xml", "Windows app"),
    (r"META-INF/MANIFEST\.MF", "Java archive"),
    (r"[^/]+\.dist-info/WHEEL", "Python package"),
    (r"3D/.*\.model", "3D model"),
    (r"document\.json", "Sketch drawing"),
)
_STREAMS = (
    (r"visiodocument", "Visio drawing"),
    (r"quill/quillsub/contents", "Publisher document"),
    (r"bodytext/section0", "Hangul document"),
    (r"starwriterdocument", "StarOffice text"),
    (r"starcalcdocument", "StarOffice spreadsheet"),
    (r"star(draw|impress)document3?", "StarOffice presentation"),
    (r"matost(/.*)?|contents/wksssfo.*|mm", "Works document"),
    (r"props\d*|\s+114/.*", "Project plan"),
    (r"nativecontent_main", "Quattro Pro workbook"),
    (r"perfectoffice_main", "WordPerfect document"),
    (r"swxcontents/.*", "SolidWorks drawing"),
    (r"\u0005mailbox.*", "mailbox"),
)
_SIGNATURES = (
    (rb"7z\xbc\xaf\x27\x1c", "7z archive"),
    (rb"Rar!\x1a\x07", "RAR archive"),
    (rb"\x28\xb5\x2f\xfd", "Zstandard file"),
    (rb"\x1f\x9d", "Unix compress file"),
    (rb"LZIP\x01", "lzip file"),
    (rb"!<arch>\n", "ar archive"),
    (rb"07070[127][0-9a-f]{6}", "cpio archive"),
    (rb"MSCF\0\0\0\0", "Windows cabinet"),
    (rb"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "OneNote section"),
    (rb"\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f", "OneNote notebook"),
    (rb"!BDN", "Outlook data file"),
    (rb"\x00\x01\x00\x00Standard (Jet|ACE) DB", "Access database"),
    (rb"SQLite format 3\0", "SQLite database"),
    (rb"ITSF", "Windows help file"),
    (rb"ITOLITLS", "Reader e-book"),
    (rb".{60}(BOOKMOBI|TEXtREAd)", "Mobipocket book"),
    (rb"\xffWPC", "WordPerfect document"),
    (rb"HWP Document File", "Hangul document"),
    (rb"\0\0[\x02\x1a]\0[\x04-\x10]", "Lotus workbook"),
    (rb"AT&TFORM.{4}DJV", "DjVu document"),
    (rb"AC10\d\d\0", "AutoCAD drawing"),
    (rb"\x01\0\0\0.{36} EMF", "Windows metafile"),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\x09\0\0[\x01\x03]", "Windows metafile"),
    (rb"PAR1", "Parquet file"),
    (rb"ARROW1|FEA1", "Arrow file"),
    (rb"\x89HDF\r\n\x1a\n", "HDF5 file"),
    (rb"\x7fELF", "Linux program"),
    (rb"MZ.{58}..\0\0", "Windows program"),
    (rb"\xca\xfe\xba\xbe\0", "Java class"),
    (rb"\0asm", "WebAssembly program"),
    (rb"WARC/\d", "web archive"),
)


def package_name(declared: str) -> str:
    """Return the name of a package by the type that it declares."""
    return _PACKAGE_TYPES.get(declared, "package of an unknown kind")


def zip_name(entries: list[str], filename: str) -> str:
    """Return the name of a format that is no archive for people, or ""."""
    found = _first_match(_ENTRIES, entries)
    return _IWORK_NAMES.get(PurePath(filename).suffix.lower(), _IWORK) if found == _IWORK else found


def ole_name(streams: list[str]) -> str:
    return _first_match(_STREAMS, streams) or "Office file of an unknown kind"


def name_by_signature(head: bytes) -> str:
    return next((name for pattern, name in _SIGNATURES if re.match(pattern, head, re.DOTALL)), "")


def _first_match(patterns: tuple[tuple[str, str], ...], names: list[str]) -> str:
    return next((found for pattern, found in patterns for name in names if re.fullmatch(pattern, name)), "")
