"""What stands in a line of AsciiDoc."""

from __future__ import annotations

import re

_NOTE = re.compile(r"footnote(?:ref)?:([\w-]*)\[((?:[^\[\]]|\[[^\[\]]{0,200}\]){0,2000})\]")
_ANCHOR = re.compile(r"\[\[[^\[\]]{0,200}\]\]|anchor:[\w-]+\[[^\]]*\]")
_PASSED = re.compile(
    r"(?:pass:\w*\[([^\]]{0,500})\])|\+\+\+(.{1,400}?)\+\+\+|(?<!\w)\+(\S(?:.{0,400}?\S)?)\+(?!\w)"
)
_FORMULA = re.compile(r"(?:stem|latexmath|asciimath):\[((?:[^\]\\]|\\.)*)\]")
_MENU = re.compile(r"menu:([^\[\]]{1,100})\[([^\]]{0,500})\]")
_KEY = re.compile(r"(?:kbd|btn):\[([^\]]{0,500})\]")
_PICTURE = re.compile(r"(?:image|icon):[^\s:\[][^\[\s]{0,500}\[([^\],]{0,500})[^\]]{0,500}\]")
_REFERENCE = re.compile(r"<<([^,<>]{1,300})(?:,[ \t]*([^<>]{1,500}))?>>")
_CROSS_REFERENCE = re.compile(r"xref:([^\[\s]+)\[([^\]]{0,500})\]")
_LINK = re.compile(
    r"(?:link:|mailto:)?((?:https?://|ftp://|(?<=link:)|(?<=mailto:))[^\s\[\]]{0,2000})\[([^\]]{0,500})\]"
)
_ATTRIBUTE = re.compile(r"\{([\w-]+)\}")
_RAISED = re.compile(r"\^([0-9+-]+)\^")
_TEXT_STYLE = re.compile(r"\[[.#][\w.# -]+\](?=[#*_`])")
_EMPHASIS = re.compile(
    r"(?<![\w*_`#])([*_`#]{1,2})(?=\S)(.{1,400}?)(?<=\S)\1(?![\w*_`#])|(\*\*|__|``|##)(?=\S)(.{1,400}?)(?<=\S)\3",
    re.S,
)
_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_SIGNS = {"(C)": "©", "(R)": "®", "(TM)": "™", " -- ": " – ", "...": "…"}
_CHARACTERS = {"nbsp": "\xa0", "sp": " ", "amp": "&", "lt": "<", "gt": ">", "vbar": "|", "plus": "+"}


class Inline:
    """Removes markup; knows the attributes of the document, and keeps the notes whose marks it met."""

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}
        self._notes: list[str] = []
        self._labelled: set[str] = set()

    def words(self, text: str) -> str:
        """Return the words that a reader sees."""
        text = _ATTRIBUTE.sub(self._attribute, text) if "{" in text else text
        text = _NOTE.sub(self._keep_note, _ANCHOR.sub("", text)) if "[" in text else text
        return _without_markup(text)

    def take_notes(self) -> list[str]:
        notes, self._notes = self._notes, []
        return notes

    def _attribute(self, match: re.Match[str]) -> str:
        return self.attributes.get(match[1], _CHARACTERS.get(match[1], match[0]))

    def _keep_note(self, match: re.Match[str]) -> str:
        label, text = match[1], _without_markup(match[2])
        if text:
            self._notes.append(f"[{label}] {text}" if label else text)
        return f"[{label}]" if label else ""


def _without_markup(text: str) -> str:
    if "[" in text:
        text = _MENU.sub(lambda match: " > ".join(filter(None, (match[1], *match[2].split(">")))), text)
        for pattern in (_FORMULA, _KEY, _PICTURE):
            text = pattern.sub(r"\1", text)
        text = _LINK.sub(_link_words, _CROSS_REFERENCE.sub(_reference, text))
    text = _REFERENCE.sub(_reference, text) if "<<" in text else text
    text = _PASSED.sub(lambda match: match[1] or match[2] or match[3] or "", text)
    for _ in range(2):
        text = _EMPHASIS.sub(lambda match: match[2] or match[4], _TEXT_STYLE.sub("", text))
    text = _RAISED.sub(lambda match: match[1].translate(_SUPERSCRIPTS), text)
    for signs, sign in _SIGNS.items():
        text = text.replace(signs, sign)
    return text.replace("~", "") if text.count("~") == 2 else text


def _link_words(match: re.Match[str]) -> str:
    return match[2].split(",")[0].rstrip("^") or match[1]


def _reference(match: re.Match[str]) -> str:
    return match[2] or match[1].strip("#")
