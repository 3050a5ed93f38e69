"""The characters that names may have: of people, organisations, their objects, tags and files."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError

# Control and format characters, lone surrogates, and the separators of lines and paragraphs.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters without a shape (Hangul and Khmer fillers), and the combining grapheme joiner.
FORBIDDEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def is_forbidden(char: str) -> bool:
    """Whether a name may not have this character: it is invisible, or changes how the text around it is shown."""
    return char in FORBIDDEN_LETTERS or unicodedata.category(char) in FORBIDDEN_CATEGORIES


def printable(name: str) -> str:
    """The name with U+FFFD for each character that is forbidden: for names that come from elsewhere, as files' do, and for
    terminals."""
    return "".join("\N{REPLACEMENT CHARACTER}" if is_forbidden(char) else char for char in name)


def validate_name(value: str) -> None:
    """A validator of model, form and serializer fields. Raises ValidationError, which names the first forbidden character
    by its number."""
    for position, char in enumerate(value, 1):
        if is_forbidden(char):
            raise ValidationError(
                "A name has no line breaks, control characters or invisible characters. Remove U+%(code)04X,"
                " which is character number %(position)d.",
                code="invalid_name",
                params={"code": ord(char), "position": position},
            )
