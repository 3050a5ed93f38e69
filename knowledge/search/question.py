"""The language of questions: "phrases", -exclusions and field:value between words; docs/search.md has its grammar.

Whatever is not well-formed is text, so that no question is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from knowledge.search.phrases import Phrase

# Each condition costs a search for its passages; further ones are text.
MAX_CONDITIONS = 20


class Field(StrEnum):
    FILENAME = "filename"
    TITLE = "title"
    TAG = "tag"
    TYPE = "type"
    LANGUAGE = "language"


# What passages are ranked by where a question has nothing else.
NAMES = (Field.FILENAME, Field.TITLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The field, or without one any text of the passage, has `value`; if `excluded`, it does not."""

    value: str
    field: Field | None = None
    excluded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`text` is what passages are ranked by: the words and the phrases, without operators."""

    text: str
    conditions: tuple[Condition, ...] = ()


# A part begins after white space or an opening parenthesis. A minus before a digit or another minus is text.
_PART = re.compile(
    rf"""
    (?<![^\s(])
    (?P<minus>-(?=["\w])(?!\d))?
    (?:(?P<field>{"|".join(Field)}):)?
    (?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>[^\s"(]\S*))
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPED = re.compile(r'\\(["\\:-])')


def parse(query: str, *, operators: bool = True) -> Question:
    """Without `operators`, all of the query is text."""
    query = query.replace("\x00", " ").strip()
    if not operators:
        return Question(text=query)
    conditions: list[Condition] = []

    def text_of(part: re.Match[str]) -> str:
        """Note the condition, if the part is one, and return what passages are ranked by."""
        minus, field, phrase, word = part.groups()
        value = _ESCAPED.sub(r"\1", word if phrase is None else phrase)
        if minus is None and field is None and phrase is None:
            return value
        if not Phrase(value).words or len(conditions) == MAX_CONDITIONS:
            return part.group()
        name = Field(field.lower()) if field else None
        conditions.append(Condition(value=value, field=name, excluded=bool(minus)))
        return "" if minus or field else value

    text = _PART.sub(text_of, query).strip()
    names = [one.value for one in conditions if one.field in NAMES and not one.excluded]
    return Question(text=text or " ".join(names), conditions=tuple(conditions))
