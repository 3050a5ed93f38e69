"""The language of questions: "phrases", -exclusions and field:value between words; docs/search.md has its grammar.

Whatever is not well-formed is text, so that no question is an error. Typographic quotation marks are such, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from knowledge.search.phrases import has_words

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
    """`text` is what passages are ranked by: the words and the phrases, without operators; empty if there are none."""

    text: str
    conditions: tuple[Condition, ...] = ()

    @property
    def has_demands(self) -> bool:
        """Whether passages must have something; exclusions only say what they must not have."""
        return not all(condition.excluded for condition in self.conditions)


# Quotation marks, by their kinds. A phrase ends with the next mark of the kind with which it begins: which of them opens and
# which closes depends on the language.
_KINDS = ('"', "\u201c\u201d\u201e\u201f", "\u00ab\u00bb", "\u300c\u300d", "\uff02")
QUOTATION_MARKS = "".join(_KINDS)
_QUOTED = "|".join(rf"[{kind}](?:[^{kind}\\]|\\.)*[{kind}]" for kind in _KINDS)
# A part begins after white space or an opening parenthesis. A minus before a digit or another minus is text.
_PART = re.compile(
    rf"""
    (?<![^\s(])
    (?P<minus>-(?=[{QUOTATION_MARKS}\w])(?!\d))?
    (?:(?P<field>{"|".join(Field)}):)?
    (?:(?P<phrase>{_QUOTED})|(?P<word>[^\s({QUOTATION_MARKS}]\S*))
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ESCAPED = re.compile(rf"\\([{QUOTATION_MARKS}\\:-])")


def parse(query: str, *, operators: bool = True) -> Question:
    """Without `operators`, all of the query is text."""
    query = query.replace("\x00", " ").strip()
    if not operators:
        return Question(text=_with_words(query))
    conditions: list[Condition] = []

    def text_of(part: re.Match[str]) -> str:
        """Note the condition, if the part is one, and return what passages are ranked by."""
        minus, field, phrase, word = part.groups()
        value = _ESCAPED.sub(r"\1", word if phrase is None else phrase[1:-1])
        if minus is None and field is None and phrase is None:
            return value
        name = Field(field.lower()) if field else None
        condition = Condition(value=value, field=name, excluded=bool(minus))
        if condition not in conditions:
            if not has_words(value) or len(conditions) == MAX_CONDITIONS:
                return part.group()
            conditions.append(condition)
        return "" if minus or field else value

    text = _with_words(_PART.sub(text_of, query).strip())
    names = [one.value for one in conditions if one.field in NAMES and not one.excluded]
    return Question(text=text or " ".join(names), conditions=tuple(conditions))


def _with_words(text: str) -> str:
    """Text without any word says nothing by which passages could be ranked."""
    return text if has_words(text) else ""
