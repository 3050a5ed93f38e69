"""The text layer of a page: pieces of lines with their positions, in the order in which the file draws them."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

from engines.parsing.pages.aligned_columns import words_of
from engines.parsing.pages.blocks import Line, Word
from engines.parsing.pages.line_joining import RIGHT_TO_LEFT
from engines.parsing.pdf.page_frame import Box, PageFrame
from engines.parsing.pdf.raised_text import mark_raised
from engines.parsing.pdf.unseen_text import may_be_unseen

_ASCENT, _DESCENT = 0.75, 0.25
_MIN_SIZE = 1.0  # smaller letters cannot be seen
_MIN_SPACE = 0.15  # in sizes
_WIDE_GAP = 0.65  # in sizes: between columns and cells, seldom between words
_MIN_RAISED_SCALE, _MAX_RAISED_SCALE = 0.45, 0.85
_MAX_LETTER_WIDTH, _MAX_WIDE_LETTER_WIDTH = 0.6, 1.1  # on average in a word, in heights
_WIDE_LETTER = re.compile("[\u1100-\u11ff\u2e80-\ud7af\uff00-\uff60]")
_WORD = re.compile(r"\S+")
_MAY_BE_DIVIDED = re.compile(r"(?![0-9.,:%]{1,8}$).*[0-9\x02\ufffe]")  # other digits may be raised
_SURROGATES = re.compile("[\ud800-\udfff]+")
_MAX_SLOPE = 0.2
_FORCE_BOLD = 1 << 18
_BOLD_FONT = re.compile(r"bold|black|heavy|medi|demi|CMBX|SFBX", re.I)
_MARK_BEFORE_LETTER = re.compile("(?: |^)([\u064b-\u065f\u0670])([\u0620-\u064a])")
_LETTER_FORMS = re.compile("[\ufb00-\ufdfb\ufe70-\ufefc]+")


class _Fragment:
    """Letters side by side in one style. `index` is the first one's in pdfium's text; `space` whether white space stands
    before them, `begins_line` whether pdfium begins a line with them."""

    __slots__ = (
        "_box",
        "_sign",
        "begins_line",
        "bottom",
        "index",
        "is_right_to_left",
        "left",
        "right",
        "space",
        "text",
        "top",
    )

    def __init__(self, index: int, box: Box, text: str = "") -> None:
        self.index, self.text = index, text
        self.left, self.top, self.right, self.bottom = self._box = box
        self.space = self.begins_line = self.is_right_to_left = False
        self._sign = 0  # where the letters of the last sign begin

    def add(self, letter: str, box: Box, *, is_turned: bool) -> None:
        """pdfium turns the letters of one sign round, in scripts that are written from right to left."""
        if box != self._box:
            self._box, self._sign = box, len(self.text)
        at = self._sign if is_turned else len(self.text)
        self.text = self.text[:at] + letter + self.text[at:]
        self.left, self.right = min(self.left, box[0]), max(self.right, box[2])

    def differs(self, box: Box) -> bool:
        left, top, right, bottom = box
        height = max(bottom - top, right - left)  # some fonts have no height
        return (
            abs(self.bottom - bottom) > 0.1 * height
            or abs(self.top - top) > 0.1 * height
            or left - self.right > _WIDE_GAP * height
            or self.left - right > _WIDE_GAP * height
        )

    def distance(self, left: float, right: float) -> float:
        """How far this is from there; negative if they overlap."""
        return left - self.right if left >= self.left else self.left - right

    @property
    def letter_width(self) -> float:
        return (self.right - self.left) / len(self.text)


class _Style(NamedTuple):
    baseline: float
    size: float


def _character(surrogates: re.Match[str]) -> str:
    return surrogates.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _signs(text: str) -> str:
    """Return the text with plain letters for their forms, and whole characters."""
    text = _LETTER_FORMS.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    return _SURROGATES.sub(_character, text)


def _turns(letter: str, following: str) -> bool:
    """Return whether the direction of writing changes between two letters."""
    is_turned, is_next_turned = (bool(RIGHT_TO_LEFT.match(one)) for one in (letter, following))
    return letter.isalpha() and following.isalpha() and is_turned is not is_next_turned


def _place_and_text(piece: Line) -> tuple[object, ...]:
    return round(piece.left), round(piece.top), round(piece.right), piece.text


def _joins(last: _Fragment, style: _Style, fragment: _Fragment, own: _Style) -> bool:
    """Return whether the fragment goes on in the piece: on its baseline, or raised or lowered by less than a line."""
    size = own.size
    if own is not style:
        size, smaller = max(size, style.size), min(size, style.size)
        offset = abs(own.baseline - style.baseline)
        is_raised = offset < 0.7 * size and _MIN_RAISED_SCALE * size <= smaller <= _MAX_RAISED_SCALE * size
        if offset > 0.15 * size and not is_raised:
            return False
    is_right_to_left = fragment.is_right_to_left or last.is_right_to_left
    if is_right_to_left and not fragment.begins_line:
        return True
    is_backwards = fragment.left < last.left - 0.5 * size and not is_right_to_left
    limit = _WIDE_GAP * max(size, last.letter_width)
    return not is_backwards and last.distance(fragment.left, fragment.right) <= limit


class TextLayer:
    """`hidden` counts the pieces that are not shown, or not as a whole: off the page, or too small."""

    def __init__(
        self, page: Any, number: int, frame: PageFrame, levels: Mapping[int, int] = MappingProxyType({})
    ) -> None:
        """`levels` are those of titles, by the ids of marked content."""
        self._levels = levels
        self.number, self.frame, self.hidden = number, frame, 0
        self._layer = page.get_textpage()
        self._rectangle = pdfium_c.FS_RECTF()
        self._box = ctypes.byref(self._rectangle)
        self._font_name, self._font_flags = ctypes.create_string_buffer(128), ctypes.c_int()
        self._styles = dict[tuple[float, float], _Style]()

    def close(self) -> None:
        self._layer.close()

    def pieces(self) -> list[Line]:
        """What is drawn several times at one place, as by a form that draws itself, is read once."""
        found = list({_place_and_text(piece): piece for run in self._lines() for piece in run}.values())
        shown = [(piece, self._shown_part(piece)) for piece in found]
        self.hidden = sum(piece is not part for piece, part in shown)
        return [part for _, part in shown if part]

    def _shown_part(self, piece: Line) -> Line | None:
        """Return the piece without its words that are off the page; None if nothing is left, or it is too small."""
        if 0 < piece.size < _MIN_SIZE:
            return None
        if self.frame.shows_all(piece.left, piece.right):
            return piece if self.frame.shows((piece.left, piece.top, piece.right, piece.bottom)) else None
        words = words_of(piece)
        seen = [word for word in words if self.frame.shows((word.left, piece.top, word.right, piece.bottom))]
        if not seen or len(seen) == len(words):
            return piece if seen else None
        return replace(
            piece,
            text="".join(" " * word.space + word.text for word in seen).strip(),
            left=min(word.left for word in seen),
            right=max(word.right for word in seen),
            words=tuple(seen),
        )

    def _lines(self) -> Iterator[Iterator[Line]]:
        upright: list[_Fragment] = []
        for start, text in self._pdfium_lines():
            first, last = start + len(text) - len(text.lstrip()), start + len(text.rstrip()) - 1
            is_vertical = _WIDE_LETTER.search(text) is not None and self._goes_down(first, last)
            if self._is_upright(first) and not is_vertical:
                upright += self._fragments(start, text)
                continue
            yield self._pieces(upright)
            upright = []
            yield iter((self._turned_line(start, text),))
        yield self._pieces(upright)

    def _pdfium_lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines with their first index. They have one letter for each of pdfium's."""
        start = 0
        for text in self._content().split("\n"):
            if text.strip():
                yield start, text
            start += len(text) + 1

    def _content(self) -> str:
        count = self._layer.count_chars()
        buffer = (ctypes.c_ushort * (count + 1))()
        size = pdfium_c.FPDFText_GetText(self._layer, 0, count, buffer) - 1
        content = bytes(buffer)[: 2 * max(size, 0)].decode("utf-16-le", "replace")
        if len(content) == count:
            return content.replace("\r", "\n").replace("\0", " ")
        # It leaves out some, so that the indexes would not fit.
        codes = (pdfium_c.FPDFText_GetUnicode(self._layer, at) for at in range(count))
        return "".join(
            "\n" if code in (10, 13) else chr(code) if 0 < code < 0x110000 else " " for code in codes
        )

    def _fragments(self, start: int, text: str) -> Iterator[_Fragment]:
        """Divide a line at white space, wide gaps, changes of height and of the direction of writing."""
        has_turns = RIGHT_TO_LEFT.search(text) is not None
        begins_line, end = True, 0
        for match in _WORD.finditer(text):
            index, word = start + match.start(), match.group()
            space, end = match.start() > end, match.end()
            whole = None if has_turns or _MAY_BE_DIVIDED.match(word) else self._whole_word(index, word)
            for fragment in (whole,) if whole else self._divided_word(index, word, has_turns=has_turns):
                fragment.space, fragment.begins_line = space, begins_line
                fragment.is_right_to_left = has_turns and RIGHT_TO_LEFT.search(fragment.text) is not None
                space = begins_line = False
                yield fragment

    def _whole_word(self, index: int, word: str) -> _Fragment | None:
        """Return the word, by its first and last letters; None if there may be more than one."""
        fragment = _Fragment(index, self._letter_box(index), word)
        last = self._letter_box(index + len(word) - 1)
        fragment.left, fragment.right = min(fragment.left, last[0]), max(fragment.right, last[2])
        if abs(fragment.top - last[1]) + abs(fragment.bottom - last[3]) >= 0.1:
            return None
        is_wide = not word.isascii() and _WIDE_LETTER.match(word)
        width = _MAX_WIDE_LETTER_WIDTH if is_wide else _MAX_LETTER_WIDTH
        return fragment if fragment.letter_width < width * (fragment.bottom - fragment.top) else None

    def _divided_word(self, index: int, word: str, *, has_turns: bool) -> Iterator[_Fragment]:
        current: _Fragment | None = None
        for at, letter in enumerate(word, index):
            box = self._letter_box(at)
            if current and (current.differs(box) or (has_turns and _turns(current.text[-1], letter))):
                yield current
                current = None
            if not current:
                current = _Fragment(at, box)
            current.add(letter, box, is_turned=has_turns and RIGHT_TO_LEFT.match(letter) is not None)
        if current:
            yield current

    def _letter_box(self, index: int) -> Box:
        box = self._rectangle
        pdfium_c.FPDFText_GetLooseCharBox(self._layer.raw, index, self._box)
        if not self.frame.rotation:
            return (
                box.left - self.frame.left,
                self.frame.top - box.top,
                box.right - self.frame.left,
                self.frame.top - box.bottom,
            )
        return self.frame.place_box(box.left, box.bottom, box.right, box.top)

    def _goes_down(self, first: int, last: int) -> bool:
        """Return whether the letters stand below each other, as in vertical writing."""
        one, other = self._letter_box(first), self._letter_box(last)
        height = one[3] - one[1]
        return last > first and (
            abs(one[2] - other[2]) < height and other[1] - one[1] > 0.5 * height * (last - first)
        )

    def _is_upright(self, index: int) -> bool:
        matrix = pdfium_c.FS_MATRIX()
        if not pdfium_c.FPDFText_GetMatrix(self._layer, index, matrix):
            return True
        along, across = (matrix.b, matrix.a) if self.frame.is_turned else (matrix.a, matrix.b)
        return bool(abs(across) <= _MAX_SLOPE * abs(along))

    def _style_of(self, fragment: _Fragment) -> _Style:
        """What stands side by side, but for errors of rounding, has one style."""
        place = fragment.top, fragment.bottom
        style = self._styles.get(place)
        if not style:
            rounded = round(fragment.top, 2), round(fragment.bottom, 2)
            style = self._styles.get(rounded) or self._style(fragment.index)
            self._styles[place] = self._styles[rounded] = style
        return style

    def _style(self, index: int) -> _Style:
        """The baseline, which does not depend on the letters, and the size on the page, which many files set by a matrix."""
        x, y, matrix = ctypes.c_double(), ctypes.c_double(), pdfium_c.FS_MATRIX()
        pdfium_c.FPDFText_GetCharOrigin(self._layer, index, x, y)
        size = pdfium_c.FPDFText_GetFontSize(self._layer, index)
        if pdfium_c.FPDFText_GetMatrix(self._layer, index, matrix):
            size *= float((matrix.c**2 + matrix.d**2) ** 0.5) or 1.0
        return _Style(self.frame.place(x.value, y.value)[1], round(size, 1))

    def _is_bold(self, index: int) -> bool:
        pdfium_c.FPDFText_GetFontInfo(self._layer.raw, index, self._font_name, 128, self._font_flags)
        return bool(
            self._font_flags.value & _FORCE_BOLD
            or _BOLD_FONT.search(self._font_name.value.decode("utf-8", "replace"))
        )

    def _level(self, index: int) -> int:
        if not self._levels:
            return 0
        drawn = pdfium_c.FPDFText_GetTextObject(self._layer, index)
        return self._levels.get(pdfium_c.FPDFPageObj_GetMarkedContentID(drawn), 0) if drawn else 0

    def _turned_line(self, start: int, text: str) -> Line:
        """A line that is not upright, as pdfium has it. Its size is 0: text in the margin is no title."""
        first, last = start + len(text) - len(text.lstrip()), start + len(text.rstrip()) - 1
        boxes = self._letter_box(first), self._letter_box(last)
        return Line(
            text=text.strip(),
            page=self.number,
            left=min(box[0] for box in boxes),
            top=min(box[1] for box in boxes),
            right=max(box[2] for box in boxes),
            bottom=max(box[3] for box in boxes),
            size=0.0,
        )

    def _pieces(self, fragments: list[_Fragment]) -> Iterator[Line]:
        """Join fragments into pieces, each in the style of most of its letters."""
        piece: list[_Fragment] = []
        style, letters = _Style(0.0, 0.0), 0
        for fragment in fragments:
            own = self._style_of(fragment)
            if piece and not _joins(piece[-1], style, fragment, own):
                yield self._line(piece, style)
                piece, letters = [], 0
            piece.append(fragment)
            letters += len(fragment.text) if own == style else -len(fragment.text)
            if letters <= 0 or len(piece) == 1:
                style, letters = own, abs(letters) or len(fragment.text)
        if piece:
            yield self._line(piece, style)

    def _line(self, piece: list[_Fragment], style: _Style) -> Line:
        words = self._words(piece, style)
        text = "".join([" " * (word.space and at > 0) + word.text for at, word in enumerate(words)])
        left, right = min([one.left for one in piece]), max([one.right for one in piece])
        width = (right - left) / len(text)
        size = style.size if style.size > 0.3 * width else round(2 * width, 1)  # the font may have no height
        return Line(
            text=text if text.isascii() else _MARK_BEFORE_LETTER.sub(r"\2\1", text),
            page=self.number,
            left=left,
            right=right,
            top=style.baseline - size * _ASCENT,
            bottom=style.baseline + size * _DESCENT,
            size=size,
            level=self._level(piece[0].index),
            may_be_unseen=may_be_unseen(self._layer, piece[0].index),
            bold=self._is_bold(piece[0].index)
            and self._is_bold(piece[-1].index)
            and self._is_bold(max(piece, key=lambda one: len(one.text)).index),
            words=words,
        )

    def _words(self, piece: list[_Fragment], style: _Style) -> tuple[Word, ...]:
        words: list[Word] = []
        max_height = _MAX_RAISED_SCALE * (piece[0].bottom - piece[0].top)
        for at, fragment in enumerate(piece):
            last = piece[at - 1]
            gap = last.distance(fragment.left, fragment.right)
            space = fragment.space or gap > (_MIN_SPACE if fragment.begins_line else _WIDE_GAP) * style.size
            space = space or _turns(last.text[-1], fragment.text[0])
            text = fragment.text if fragment.text.isascii() else _signs(fragment.text)
            is_small = fragment.bottom - fragment.top <= max_height
            if at and is_small and not space:
                own = self._style(fragment.index)
                if (
                    own.size <= _MAX_RAISED_SCALE * style.size
                    and style.baseline - own.baseline > 0.1 * style.size
                ):
                    text, space = mark_raised(words[-1].text, text)
            words.append(Word(text, fragment.left, fragment.right, space))
        return tuple(words)
