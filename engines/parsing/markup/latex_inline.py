"""The words of LaTeX: without commands, with the signs that they stand for."""

from __future__ import annotations

import re
import unicodedata

_ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "c": "\u0327",
    "k": "\u0328",
    "d": "\u0323",
    "b": "\u0331",
}
_ACCENT = re.compile(
    r"""\\(?:([`'^~=."])\s*\{?\s*(\\?[A-Za-z])(?:\s*\})?"""
    r"""|([urHvckdb])(?:\s*\{\s*(\\?[A-Za-z])\s*\}|\s+([A-Za-z])))"""
)
_LETTERS = {
    "ss": "ß",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "aa": "å",
    "AA": "Å",
    "l": "ł",
    "L": "Ł",
    "i": "i",
    "j": "j",
    "S": "§",
    "P": "¶",
    "copyright": "©",
    "pounds": "£",
    "euro": "€",
    "ldots": "…",
    "dots": "…",
    "textellipsis": "…",
    "textendash": "–",
    "textemdash": "—",
    "textdegree": "°",
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textbar": "|",
    "textless": "<",
    "textgreater": ">",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "quad": " ",
    "qquad": " ",
    "today": "",
}
_LETTER_NAMES = "|".join(sorted(_LETTERS, key=len, reverse=True))
_LETTER = re.compile(rf"\\({_LETTER_NAMES})(?![A-Za-z])(?:\{{\}})?[ \t]*")
_MATH = re.compile(r"(?<!\\)\$((?:[^$\\]|\\.){1,2000})\$|\\\((.{1,2000}?)\\\)", re.S)
_SIGNS = {
    "---": "—",
    "--": "–",
    "``": "“",
    "''": "”",
    "\\,": " ",
    "\\;": " ",
    "\\ ": " ",
    "\\-": "",
    "\\/": "",
    "\\@": "",
}
_ESCAPED = re.compile(r"\\([%&$#_{}])")
_PROTECTED = str.maketrans("%&$#_{}", "\ue000\ue001\ue002\ue003\ue004\ue005\ue006")
_UNPROTECTED = str.maketrans("\ue000\ue001\ue002\ue003\ue004\ue005\ue006", "%&$#_{}")
# Commands whose arguments are not seen.
_UNSEEN = """
label vspace hspace index pagestyle thispagestyle usepackage documentclass bibliographystyle bibliography input include
setlength addtolength setcounter newcommand renewcommand definecolor graphicspath hypersetup includegraphics phantom
vphantom hyphenation title author date newtheorem theoremstyle rule color fontsize linespread pagenumbering
foreignlanguage selectlanguage
"""
_UNSEEN_COMMAND = re.compile(rf"\\(?:{'|'.join(_UNSEEN.split())})\*?(?![A-Za-z])(?:\s*\[[^\]]{{0,500}}\])*")
_SECOND_SEEN = re.compile(r"\\(?:href|textcolor|colorbox|hyperref)\s*(?:\[[^\]]{0,500}\])?(?=\{)")
_REFERENCES = "cite|citep|citet|autocite|parencite|textcite|ref|eqref|autoref|cref|Cref|pageref"
_BRACKETED = re.compile(rf"\\(?:{_REFERENCES})\*?(?:\[[^\]]{{0,500}}\])*\{{([^}}]{{0,500}})\}}")
_NOTE = re.compile(r"\\(?:footnote|thanks|footnotetext)\s*(?:\[[^\]]{0,500}\])?(?=\{)")
_COMMAND = re.compile(r"\\[A-Za-z@]+\*?(?:\[[^\]\n]{0,500}\])?[ \t]*|\\[^A-Za-z]")


def braced(text: str, at: int) -> str:
    """Return the argument whose brace stands at an index, or the next sign."""
    return text[at + 1 : argument_end(text, at) - 1] if text[at : at + 1] == "{" else text[at : at + 1]


def argument_end(text: str, at: int) -> int:
    """Return the index behind the argument whose brace stands at an index."""
    depth = 0
    while at < len(text):
        sign = text[at]
        depth += (sign == "{") - (sign == "}")
        at += 2 if sign == "\\" else 1
        if depth == 0:
            return at
    return len(text)


def plain(text: str) -> tuple[str, list[str]]:
    """Return the words, and the notes in them."""
    text, notes = _take_notes(text)
    text = _without_arguments(text, _UNSEEN_COMMAND)
    while match := _SECOND_SEEN.search(text):
        text = text[: match.start()] + text[argument_end(text, match.end()) :]
    formulas: list[str] = []

    def keep(match: re.Match[str]) -> str:
        formulas.append((match[1] or match[2]).strip())
        return f"\ue010{len(formulas) - 1}\ue011"

    text = _words(_MATH.sub(keep, text))
    return re.sub("\ue010(\\d+)\ue011", lambda match: formulas[int(match[1])], text), notes


def _take_notes(text: str) -> tuple[str, list[str]]:
    notes: list[str] = []
    while match := _NOTE.search(text):
        end = argument_end(text, match.end())
        words, inner = plain(text[match.end() + 1 : end - 1])
        notes += [words, *inner]
        text = text[: match.start()] + text[end:]
    return text, notes


def _without_arguments(text: str, command: re.Pattern[str]) -> str:
    """Remove commands with all their arguments."""
    parts, at = [], 0
    while match := command.search(text, at):
        parts.append(text[at : match.start()])
        at = match.end()
        while text[at : at + 1] in ("{", "["):
            at = argument_end(text, at) if text[at] == "{" else text.find("]", at) + 1 or len(text)
    return "".join([*parts, text[at:]])


def _words(text: str) -> str:
    text = _ESCAPED.sub(lambda match: match[1].translate(_PROTECTED), text.replace("\\\\", "\n"))
    text = _LETTER.sub(lambda match: _LETTERS[match[1]], _ACCENT.sub(_accented, text))
    for signs, sign in _SIGNS.items():
        text = text.replace(signs, sign)
    text = _COMMAND.sub("", _BRACKETED.sub(r"[\1]", text))
    return text.replace("{", "").replace("}", "").replace("~", " ").translate(_UNPROTECTED).strip()


def _accented(match: re.Match[str]) -> str:
    letter = (match[2] or match[4] or match[5]).removeprefix("\\")
    return unicodedata.normalize("NFC", letter + _ACCENTS[match[1] or match[3]])
