"""Word files for tests, made of the XML of their parts."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence

from engines.parsing.office.ole_writer import written

SPACES = " ".join(
    f'xmlns:{prefix}="{address}"'
    for prefix, address in {
        "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
        "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
        "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "v": "urn:schemas-microsoft-com:vml",
    }.items()
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def word_file(
    body: str,
    *,
    parts: dict[str, str | bytes] | None = None,
    relations: dict[str, tuple[str, str]] | None = None,
    main_type: str = _MAIN,
) -> bytes:
    """Return a file with this body. `parts` are further ones of the folder word, as bytes or as the inner XML of a root
    element; `relations` those of the document besides that to its styles: {id: (kind, target)}."""
    parts, relations = parts or {}, dict(relations or {})
    for name in ("styles", "numbering", "footnotes", "endnotes", "comments"):
        if f"{name}.xml" in parts:
            relations[f"_{name}"] = (name, f"{name}.xml")
    links = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in relations.items()
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main_type}"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            _relationships(
                f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
            ),
        )
        archive.writestr("word/document.xml", f"<w:document {SPACES}><w:body>{body}</w:body></w:document>")
        archive.writestr("word/_rels/document.xml.rels", _relationships(links))
        for name, content in parts.items():
            archive.writestr(f"word/{name}", content if isinstance(content, bytes) else _root(name, content))
    return out.getvalue()


def _relationships(links: str) -> str:
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{links}</Relationships>"
    )


def _root(name: str, content: str) -> str:
    if content.startswith(("<c:", "<dgm:")):
        return content.replace(">", f" {SPACES}>", 1)
    root = name.removesuffix(".xml").rstrip("0123456789")
    root = {"header": "hdr", "footer": "ftr"}.get(root, root)
    return f"<w:{root} {SPACES}>{content}</w:{root}>"


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text: str, properties: str = "", style: str = "") -> str:
    """`text` may be XML of runs, or plain."""
    inner = text if text.startswith("<") else run(text)
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{style}{properties}</w:pPr>{inner}</w:p>"


def style(name: str, properties: str = "", based_on: str = "", shown: str = "") -> str:
    base = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
    return f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{shown or name}"/>{base}{properties}</w:style>'


def cell(content: str, properties: str = "") -> str:
    """`content` may be XML of blocks, or plain."""
    inner = content if content.startswith(("<w:p", "<w:tbl")) else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def table(*rows: str) -> str:
    return (
        f"<w:tbl>{''.join(row if row.startswith('<w:tr') else f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"
    )


def list_level(level: int, text: str, format: str = "decimal") -> str:
    return f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{format}"/><w:lvlText w:val="{text}"/></w:lvl>'


def in_list(level: int = 0, number: int = 1) -> str:
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'


def old_word_file(
    text: str,
    *,
    is_encrypted: bool = False,
    objects: dict[tuple[str, ...], bytes] | None = None,
    levels: Sequence[int] = (),
) -> bytes:
    """Return a file of the old format with this text, lines ending in carriage returns, and with these streams. `levels` are
    those of the lines in a list that is numbered 1. and (a)."""
    data = text.encode("cp1252")
    head = bytearray(0x400)
    struct.pack_into("<HH6xH", head, 0, 0xA5EC, 0xC1, 0x0200 | 0x0100 * is_encrypted)
    struct.pack_into("<I", head, 0x18, len(head))
    struct.pack_into("<I", head, 0x1C, len(head) + len(data))
    struct.pack_into("<HI", head, 0x20, 14, 0)
    struct.pack_into("<H", head, 0x3E, 22)
    struct.pack_into("<I", head, 0x4C, len(data))
    pieces = struct.pack("<IIHIH", 0, len(data), 0, 0x40000000 | 2 * len(head), 0)
    clx = struct.pack("<BI", 2, len(pieces)) + pieces
    struct.pack_into("<H", head, 0x98, 0x5D)
    struct.pack_into("<II", head, 0x1A2, 0, len(clx))
    page, table = b"", clx
    if levels:
        data = data.ljust(512, b"\0")
        page = _old_paragraphs(text, levels, len(head))
        for at, part in (
            (0x102, struct.pack("<3I", 0, 1 << 16, (len(head) + len(data)) // 512)),
            *_OLD_LISTS.items(),
        ):
            struct.pack_into("<II", head, at, len(table), len(part))
            table += part
    document = bytes(head) + data + page
    return written({("WordDocument",): document, ("1Table",): table.ljust(4096, b"\0"), **(objects or {})})


def _old_paragraphs(text: str, levels: Sequence[int], start: int) -> bytes:
    """Return a page with the properties of the text's lines."""
    starts = [start]
    for line in text.split("\r")[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    page = bytearray(512)
    struct.pack_into(f"<{len(starts)}I", page, 0, *starts)
    for number, level in enumerate(levels):
        place = 400 - 10 * number
        page[4 * len(starts) + 13 * number] = place // 2
        struct.pack_into("<BHHHHB", page, place, 5, 0, 0x460B, 1, 0x260A, level)
    page[511] = len(starts) - 1
    return bytes(page)


def _old_level(form: int, place: int, text: str) -> bytes:
    facts = struct.pack("<iBB9sBiiBBBB", 1, form, 0, bytes([place]), 0, 0, 0, 0, 0, 0, 0)
    return facts + struct.pack("<H", len(text)) + text.encode("utf-16-le")


_OLD_LISTS = {
    0x2E2: struct.pack("<Hi24x", 1, 7)
    + _old_level(0, 1, "\0.")
    + _old_level(4, 2, "(\1)")
    + 7 * _old_level(255, 0, ""),
    0x2EA: struct.pack("<Ii12xI", 1, 7, 0xFFFFFFFF),
}


def word_95_file(data: bytes, *, is_mac: bool = False) -> bytes:
    """Return a file of the format before that, whose text is this data, in any encoding."""
    head = bytearray(0x300)
    struct.pack_into("<HH", head, 0, 0xA5DC, 0x68)
    struct.pack_into("<HHII", head, 20, 256 if is_mac else 0, 0, len(head), len(head) + len(data))
    struct.pack_into("<I", head, 0x34, len(data))
    return written({("WordDocument",): (bytes(head) + data).ljust(4096, b"\0")})


NUMBERING = (
    f'<w:abstractNum w:abstractNumId="0">{list_level(0, "%1.")}{list_level(1, "%1.%2")}'
    f"{list_level(2, '(%3)', 'lowerLetter')}</w:abstractNum>"
    f'<w:abstractNum w:abstractNumId="1">{list_level(0, "•", "bullet")}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/>'
    "</w:lvlOverride></w:num>"
)
