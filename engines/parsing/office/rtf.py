"""RTF, by anydoc's tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import anydoc

from engines.parsing import Element, ElementKind, ParsedDocument, ParseError, element_builders
from engines.parsing.archives.members import MemberFolder
from engines.parsing.job import Job
from engines.parsing.office import ole_objects
from engines.parsing.office.embedded_pictures import Pictures
from engines.parsing.office.rtf_prepare import BOX, COMMENT, Prepared, prepare
from engines.parsing.warnings import listed, warning

_NOT_HEXADECIMAL = re.compile(rb"[^0-9a-fA-F]")
_BULLET = re.compile(r"^[•‣◦▪·]\s+")  # which stands in the text in lists that are none
_NUMERALS = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    )
)


def read(job: Job) -> ParsedDocument:
    data = job.path.read_bytes()
    prepared, pictures = prepare(data), _PictureReader(job)
    try:
        found = list(_elements(prepared, pictures))
    except (anydoc.ConvertError, ValueError) as error:
        raise ParseError("corrupt_file", type="RTF document") from error
    folder = MemberFolder(job)
    refused = list(_add_objects(prepared.objects, folder))
    losses = [warning("unread_members", names=listed(refused))] if refused else []
    losses += [warning("unread_parts", parts=listed(pictures.unread))] if pictures.unread else []
    return ParsedDocument(
        mime_type=job.mime_type,
        elements=tuple(found),
        members=tuple(folder.members),
        metadata={name: _plain(value) for name, value in prepared.properties.items()}
        | {"hidden_parts": prepared.hidden},
        warnings=tuple(losses),
    )


def elements(data: bytes) -> Iterator[Element]:
    """Yield the elements of RTF that is inside of something else."""
    return _elements(prepare(data))


def _elements(prepared: Prepared, pictures: _PictureReader | None = None) -> Iterator[Element]:
    for part in prepared.headers:
        yield from _marginal(part, ElementKind.HEADER)
    yield from _Tree(anydoc.to_document(prepared.body, "rtf"), pictures).elements()
    for part in prepared.footers:
        yield from _marginal(part, ElementKind.FOOTER)


def _marginal(data: bytes, kind: ElementKind) -> Iterator[Element]:
    if text := _plain(data):
        yield Element(kind=kind, text=text)


def _plain(data: bytes) -> str:
    tree = _Tree(anydoc.to_document(data, "rtf"))
    return "\n".join(element.text for element in tree.elements()).strip()


class _PictureReader:
    """Reads the text in pictures. `unread` has the names of those that could not be read."""

    def __init__(self, job: Job) -> None:
        self._pictures = Pictures(job)
        self.unread: list[str] = []

    def read(self, asset: anydoc.Asset) -> list[Element]:
        found = self._pictures.read(asset.data)
        if found is None:
            self.unread.append(asset.origin_part)
        return found or []


class _Tree:
    """Turns the library's tree into elements. Notes follow the block in which their marks are."""

    def __init__(self, document: anydoc.Document, pictures: _PictureReader | None = None) -> None:
        self._blocks, self._assets, self._pictures = document.blocks, document.assets, pictures
        self._notes = {note.id: note for note in document.notes}
        self._marked: list[str] = []
        self._shown: list[Element] = []  # of pictures in the block that is being read

    def elements(self) -> Iterator[Element]:
        yield from self._of_blocks(self._blocks)

    def _of_blocks(self, blocks: Iterable[anydoc.Block]) -> Iterator[Element]:
        for block in blocks:
            yield from self._of_block(block)
            shown, self._shown = self._shown, []
            yield from shown
            while self._marked:
                yield from self._note(self._marked.pop(0))

    def _of_block(self, block: anydoc.Block) -> Iterator[Element]:
        if block.kind == "heading":
            yield element_builders.title(self._inline(block.content), block.level or 1)
        elif block.kind == "list" and block.list:
            yield from self._items(block.list)
        elif block.kind == "table" and block.table:
            yield from self._table(block.table)
        elif block.kind == "block_quote":
            yield from self._of_blocks(block.blocks or ())
        elif block.kind == "code_block":
            yield element_builders.code(block.text or "")
        elif block.kind == "math":
            yield Element(kind=ElementKind.FORMULA, text=block.text or "")
        elif text := self._inline(block.content).strip():
            item = _BULLET.sub("", text)
            yield element_builders.paragraph(text) if item == text else element_builders.item(item)

    def _items(self, found: anydoc.List) -> Iterator[Element]:
        for number, item in enumerate(found.items, found.start):
            label = item.marker_label or _label(found.marker, number)
            first, rest = (item.blocks[0], item.blocks[1:]) if item.blocks else (None, [])
            text = self._inline(first.content) if first and first.content is not None else ""
            if text.strip():
                yield element_builders.item(f"{label} {text.strip()}".strip())
            yield from self._of_blocks(rest if text else item.blocks)

    def _table(self, found: anydoc.Table) -> Iterator[Element]:
        """Yield a table with what spans several cells in each of them. A layout is read block by block."""
        if found.kind == "layout":
            for slot in (slot for row in found.grid for slot in row):
                yield from self._of_blocks(slot.cell.blocks if slot.cell else ())
            return
        texts = {
            (row, column): self._cell_text(slot.cell.blocks)
            for row, slots in enumerate(found.grid)
            for column, slot in enumerate(slots)
            if slot.cell
        }
        rows = [
            [
                texts.get((row, column) if slot.cell else (slot.origin_row or 0, slot.origin_col or 0), "")
                for column, slot in enumerate(slots)
            ]
            for row, slots in enumerate(found.grid)
        ]
        yield element_builders.table(rows, header_rows=found.header_rows)

    def _cell_text(self, blocks: Sequence[anydoc.Block]) -> str:
        """Return a cell's text. A table inside is one line of the cell; notes follow the table."""
        texts = (
            element.text.replace(" | ", ", ").replace("\n", "; ")
            if element.kind is ElementKind.TABLE
            else element.text
            for block in blocks
            for element in self._of_block(block)
        )
        return "\n".join(texts)

    def _note(self, note_id: str) -> Iterator[Element]:
        note = self._notes.pop(note_id, None)
        if note is None:
            return
        text = self._text_of(note.blocks)
        if text.startswith(COMMENT):
            author, _, remark = text[1:].partition(COMMENT)
            by = f"Comment by {author.strip()}" if author.strip() else "Comment"
            yield Element(kind=ElementKind.COMMENT, text=f"{by}: {remark.strip()}")
        elif text.startswith(BOX):
            first, *others = self._of_blocks(note.blocks)
            yield first._replace(text=first.text.removeprefix(BOX).lstrip())
            yield from others
        elif text:
            yield Element(kind=ElementKind.NOTE, text=text)

    def _text_of(self, blocks: Sequence[anydoc.Block]) -> str:
        """Return the text of blocks that stand in a cell or in a note."""
        marked, self._marked = self._marked, []
        text = "\n".join(element.text for element in self._of_blocks(blocks)).strip()
        self._marked = marked
        return text

    def _inline(self, content: Iterable[anydoc.Inline] | None) -> str:
        return "".join(map(self._inline_text, content or ()))

    def _inline_text(self, part: anydoc.Inline) -> str:
        if part.kind == "note_ref":
            self._marked.append(part.note_id or "")
        elif part.kind == "image" and part.source and part.source.asset_id is not None and self._pictures:
            self._shown += self._pictures.read(self._assets[part.source.asset_id])
        elif part.kind == "link":
            return self._inline(part.content)
        elif part.kind == "line_break":
            return "\n"
        elif part.kind == "checkbox":
            return "☒" if part.checked else "☐"
        return part.alt or part.text or "" if part.kind in ("text", "math") else ""


def _label(marker: str, number: int) -> str:
    """Return an item's number as a list of this kind writes it, or ""."""
    if marker == "decimal":
        return f"{number}."
    if marker.endswith("alpha"):
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return f"{letters.upper() if marker.startswith('upper') else letters}."
    if marker.endswith("roman"):
        numeral = _roman(number)
        return f"{numeral.upper() if marker.startswith('upper') else numeral}."
    return ""


def _roman(number: int) -> str:
    numeral = ""
    for value, letters in _NUMERALS:
        count, number = divmod(number, value)
        numeral += letters * count
    return numeral


def _add_objects(objects: Iterable[bytes], folder: MemberFolder) -> Iterator[str]:
    """Add the embedded files as members. Yield the names of those that cannot be."""
    for number, content in enumerate(objects, 1):
        digits = _NOT_HEXADECIMAL.sub(b"", content)
        data = bytes.fromhex(digits[: len(digits) & ~1].decode())
        if embedded := ole_objects.unpack_first_version(data, f"object{number}.bin"):
            folder.add(*embedded)
        else:
            yield f"object {number}"
