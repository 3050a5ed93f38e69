"""Signs of fonts that have pictures or Greek letters in place of Latin ones."""

from __future__ import annotations

import re
from typing import Any

from engines.parsing.word.xml import SPACE, W

_PRIVATE = range(0xF000, 0xF100)  # where Word puts the 256 signs of such a font
_GREEK = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ"
_MATHS = "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇∏√⋅¬∧∨⇔⇐⇑⇒⇓⟨∑⟩∫"  # noqa: RUF001
_SYMBOL = {
    **{code: chr(code) for code in range(0x20, 0x7F)},
    **dict(zip([*range(0x41, 0x5B), *range(0x61, 0x7B)], _GREEK, strict=True)),
    **dict(zip(map(ord, "\"$'*-@\\^~"), "∀∃∋∗−≅∴⊥∼", strict=True)),  # noqa: RUF001
    **dict(
        zip(
            [*range(0xA1, 0xBF), *range(0xC0, 0xD2), *range(0xD5, 0xE0), 0xE1, 0xE5, 0xF1, 0xF2],
            _MATHS,
            strict=True,
        )
    ),
}
_WINGDINGS = {
    0xFC: "✓",
    0xFB: "✗",
    0xFD: "☒",
    0xFE: "☑",
    0x6F: "☐",
    0x71: "☐",
    0x72: "☐",
    0xA8: "☐",
    0x78: "☒",
    0xDF: "←",
    0xE0: "→",
    0xE1: "↑",
    0xE2: "↓",
    0xE7: "←",
    0xE8: "→",
    0xF0: "→",
    0xD8: "•",
    0xA7: "•",
    0x6C: "•",
    0x6E: "•",
    0x76: "•",
    0x9F: "•",
    0x4A: "☺",
    0x4C: "☹",
    0x28: "☎",
    0x2A: "✉",
    **{0x8C + number: chr(0x2780 + number - 1) for number in range(1, 11)},
}
_WINGDINGS_2 = {0x50: "✓", 0x4F: "✗", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0xA3: "☐", 0x30: "☐"}
_SIGNS = re.compile("[\uf000-\uf0ff]")
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}


def write_symbols(root: Any) -> None:
    """Write signs that Word keeps apart, and those of such fonts, as the text that they look like."""
    for node in list(root.iter(f"{W}sym", f"{W}noBreakHyphen")):
        text = "-" if node.tag == f"{W}noBreakHyphen" else _shown(node.get(f"{W}font"), node.get(f"{W}char"))
        node.tag, node.text = f"{W}t", text
        node.attrib.clear()
        node.set(SPACE, "preserve")
    for node in root.iter(f"{W}t"):
        if _SIGNS.search(node.text or ""):
            fonts = node.find(f"../{W}rPr/{W}rFonts")
            font = fonts.get(f"{W}ascii") if fonts is not None else "Symbol"
            node.text = "".join(
                _shown(font, f"{ord(letter):X}") if ord(letter) in _PRIVATE else letter
                for letter in node.text
            )


def _shown(font: str | None, code: str | None) -> str:
    """Return the sign, or a space for a picture that means no word."""
    try:
        number = int(code or "", 16)
    except ValueError:
        return " "
    low = number - _PRIVATE.start if number in _PRIVATE else number
    signs = _FONTS.get((font or "").lower())
    return chr(low) if signs is None and 0x20 <= low < 0xD800 else (signs or {}).get(low, " ")
