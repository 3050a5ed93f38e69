"""Addresses in an answer. Only those stay that the answer's sources have, and none of an image, so that no program that
shows the answer as Markdown or HTML fetches an address that a document made the model write, or offers it as a link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape

from engines.parsing.text_cleaning import clean

# With a space, so that it cannot be an address itself.
REMOVED = "(link removed)"
_CHARACTERS = r"[^\s<>\"'`|\[\]]*"
_SCHEME = r"\b[a-z][a-z0-9+.-]{0,30}://|\b(?:https?|ftp|javascript|vbscript|mailto):(?=\S)|\bdata:(?=[\w.+-]+/|[,;])"
_ADDRESS = re.compile(
    rf"(?:{_SCHEME}|\bwww\.(?=\w)|(?<![\w:/\\.])[/\\]{{2,}}(?=\w)){_CHARACTERS}", re.IGNORECASE
)
# Two slashes are an address only where one is expected; elsewhere they are a comment or a path.
_EXPECTED = tuple("(<=:\"'")
# Markdown and HTML read these as others.
_ESCAPE = re.compile(r"\\([:/.])")
_CLOSERS = ".,;:!?*_~)}"
_DESTINATION, _DEFINITION = ("](", "](<"), ("]:", "]:<")
_ATTRIBUTE = ("=", "='", '="', "url(", "url('", 'url("', ",")
_TAG = re.compile(r"<(?:[a-z][\w-]*[\s/>]|[!?/])", re.IGNORECASE)
_PARAGRAPH = re.compile(r"\n\s*\n")
_SPACE, _WORD = re.compile(r"\s"), re.compile(r"\S+")
_SUSPECT = re.compile(r"[:/\\&]|www", re.IGNORECASE)
# Scripts without spaces between words: from Thai to Khmer, Chinese and Japanese.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]")


class KnownLinks:
    """A text that comes in pieces, without the addresses that no source has. `text` is what has been let through."""

    def __init__(self, sources: Iterable[str]) -> None:
        self.text, self._held = "", ""
        self._is_suspect = False  # what is held back
        self._known = set[str]()
        self.allow(sources)

    def allow(self, sources: Iterable[str]) -> None:
        """Let the addresses of further sources through."""
        self._known.update(one for text in sources for one in _addresses_of(text))

    def add(self, piece: str) -> str:
        """Return what can be let through; a word that may be an address is held back until its end."""
        waiting, seen = self._held + piece, len(self._held)
        end = max((match.end() for match in _SPACE.finditer(waiting, seen)), default=0)
        was_suspect = self._is_suspect and not end
        self._is_suspect = was_suspect or bool(_SUSPECT.search(waiting, max(end, seen - 2)))
        if not self._is_suspect:
            end = max((match.end() for match in _UNSPACED.finditer(waiting, max(seen, end))), default=end)
        self._held = waiting[end:]
        return self._let_through(waiting[:end])

    def end(self, text: str = "") -> str:
        """Return what was held back, and the text, whose end is that of a word."""
        waiting, self._held, self._is_suspect = self._held + text, "", False
        return self._let_through(waiting)

    def _let_through(self, text: str) -> str:
        begun, position = len(self.text), 0
        text = clean(_WORD.sub(_undisguised, text))
        for match in _ADDRESS.finditer(text):
            self.text += text[position : match.start()]
            self.text += self._checked(match[0])
            position = match.end()
        self.text += text[position:]
        return self.text[begun:]

    def _checked(self, found: str) -> str:
        """The address, if it may stay after the text so far, or what stands in its place."""
        before = "".join(self.text[-1000:].split()).lower()
        if found[0] in "/\\" and not before.endswith(_EXPECTED):
            return found
        if self._known.isdisjoint(_endings(found)) or self._is_fetched(before):
            return REMOVED + found[len(found.rstrip(_CLOSERS)) :]
        return found

    def _is_fetched(self, before: str) -> bool:
        """Whether what comes next is the address of an image, of a definition that an image may use, or of an attribute."""
        if before.endswith(_DESTINATION):
            image = self.text.rfind("![")
            return image >= 0 and not _PARAGRAPH.search(self.text, image)
        return before.endswith(_DEFINITION) or (before.endswith(_ATTRIBUTE) and bool(_TAG.search(self.text)))


def with_known_links(text: str, sources: Iterable[str]) -> str:
    """The whole text without the addresses that no source has."""
    return KnownLinks(sources).end(text)


def _addresses_of(text: str) -> Iterator[str]:
    for found in _ADDRESS.findall(text):
        yield from _endings(found)


def _endings(found: str) -> Iterator[str]:
    """The address without each of the closing characters that may not belong to it."""
    yield found
    while found and found[-1] in _CLOSERS:
        found = found[:-1]
        yield found


def _undisguised(word: re.Match[str]) -> str:
    """The word, unless it becomes an address when it is read."""
    if "&" not in word[0] and "\\" not in word[0]:
        return word[0]
    read = _ESCAPE.sub(r"\1", unescape(word[0]))
    return word[0] if _ADDRESS.findall(read) == _ADDRESS.findall(word[0]) else REMOVED
