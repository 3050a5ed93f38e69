"""Shows numbers as a spreadsheet program does, by the format codes of Excel, in English."""

from __future__ import annotations

import re
from calendar import day_name, month_name
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import NamedTuple

GENERAL = "General"
# The formats that have a number in place of a code. Those that depend on the reader's country are ISO dates here.
BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "yyyy-mm-dd",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm",
    37: "#,##0;(#,##0)",
    38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
}
_TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | [_*]. | \[\$(?P<currency>[^\]-]*)[^\]]*\] | \[(?P<elapsed>h+|m+|s+)\]
    | \[(?P<condition>[<>=]+-?[\d.]+)\] | \[[^\]]*\] | (?P<half>AM/PM|A/P) | (?P<general>General)
    | (?P<scientific>E[+-]) | (?P<date>y+|m+|d+|h+|s+|e+) | (?P<fraction>\.0+(?=[^#?0]*$)) | (?P<other>.)
    """,
    re.X | re.I | re.S,
)
_DIGITS = "0#?"
_OPERATORS = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq, "<>": ne}
_SHOWN_DIGITS = 10  # of a number without a format that is no integer
_LAST_DAY = 2_958_466  # the first day of the year 10000


class _Token(NamedTuple):
    kind: str
    text: str


class _Section(NamedTuple):
    condition: str
    tokens: tuple[_Token, ...]

    def has(self, *kinds: str) -> bool:
        return any(token.kind in kinds for token in self.tokens)


def shown(value: float, code: str = GENERAL, is_1904: bool = False) -> str:
    """Return the number as it is shown. `is_1904` says that days are counted from 1904. A code that is not understood, or a
    number that it cannot show, is shown without a format."""
    try:
        return _shown(value, code or GENERAL, is_1904)
    except (ValueError, OverflowError, ArithmeticError):
        return _general(value)


def _shown(value: float, code: str, is_1904: bool) -> str:
    sections = _sections(code)
    section = _choose(sections, value)
    if section is None:
        return ""
    if section.has("date", "elapsed", "half"):
        return _date_text(section, value, is_1904)
    # A section for negative numbers says itself how they differ.
    has_own_sign = section is not sections[0] and not any(section.condition for section in sections)
    return _number_text(section, abs(value) if has_own_sign else value)


@lru_cache(1_000)
def _sections(code: str) -> tuple[_Section, ...]:
    sections: list[list[_Token]] = [[]]
    for token in _tokens(code):
        if token == _Token("other", ";"):
            sections.append([])
        else:
            sections[-1].append(token)
    found = []
    for tokens in sections[:4]:
        condition = next((token.text for token in tokens if token.kind == "condition"), "")
        rest = [token for token in tokens if token.kind != "condition"]
        found.append(_Section(condition, tuple(_with_decimals(_with_minutes(rest)))))
    return tuple(found)


def _tokens(code: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(code):
        kind = match.lastgroup
        if kind == "scientific":
            yield from _single(match[0])
        elif kind:
            text = match[kind]
            yield _Token("text" if kind in ("quoted", "escaped", "currency") else kind, text)


def _single(text: str) -> list[_Token]:
    return [_Token("other", char) for char in text]


def _with_decimals(tokens: list[_Token]) -> list[_Token]:
    """What is a part of seconds in a time, is one of units otherwise."""
    if any(token.kind in ("date", "elapsed") for token in tokens):
        return tokens
    return [one for token in tokens for one in (_single(token.text) if token.kind == "fraction" else [token])]


def _with_minutes(tokens: list[_Token]) -> list[_Token]:
    """M beside hours or seconds are minutes."""
    times = [at for at, token in enumerate(tokens) if token.kind in ("date", "elapsed")]
    for place, at in enumerate(times):
        before = tokens[times[place - 1]].text.lower() if place else ""
        after = tokens[times[place + 1]].text.lower() if place + 1 < len(times) else ""
        if (
            tokens[at].kind == "date"
            and tokens[at].text.lower() in ("m", "mm")
            and (before[:1] == "h" or after[:1] == "s")
        ):
            tokens[at] = _Token("date", tokens[at].text.lower().replace("m", "n"))
    return tokens


def _choose(sections: tuple[_Section, ...], value: float) -> _Section | None:
    """Without conditions, the sections are for positive and negative numbers, zero, and text."""
    if any(section.condition for section in sections):
        return next((section for section in sections if _meets(section.condition, value)), None)
    place = 0 if value > 0 else 1 if value < 0 else 2
    return sections[place] if place < min(len(sections), 3) else sections[0]


def _meets(condition: str, value: float) -> bool:
    operator = condition.rstrip("-.0123456789")
    return not condition or _OPERATORS[operator](value, float(condition[len(operator) :]))


def _general(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.{_SHOWN_DIGITS}g}"
    return text.upper().replace("E-0", "E-") if "e" in text else text


def _date_text(section: _Section, value: float, is_1904: bool) -> str:
    """A half day is noon. 1900 is taken for a leap year, as Lotus did, so that day 60 is none."""
    if not 0 <= value < _LAST_DAY:
        raise ValueError
    fraction_digits = max(
        (len(token.text) - 1 for token in section.tokens if token.kind == "fraction"), default=0
    )
    seconds = round(Decimal(value) * 86_400, fraction_digits)
    days = int(seconds // 86_400)
    start = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 31 if days < 60 else 30)
    moment = start + timedelta(days=days, seconds=float(seconds % 86_400))
    is_half = section.has("half")
    return "".join(_date_part(token, moment, seconds, is_half) for token in section.tokens).strip()


def _date_part(token: _Token, moment: datetime, seconds: Decimal, is_half: bool) -> str:
    width = len(token.text)
    match token.kind:
        case "elapsed":
            unit = {"h": 3600, "m": 60, "s": 1}[token.text[0].lower()]
            return str(int(seconds // unit)).zfill(width)
        case "half":
            return token.text.split("/")[moment.hour >= 12]
        case "fraction":
            return f"{seconds % 1:.{width - 1}f}"[1:]
        case "date":
            letter = token.text[0].lower()
            hour = (moment.hour % 12 or 12) if is_half else moment.hour
            number = {"h": hour, "n": moment.minute, "s": moment.second}.get(letter)
            return _day_part(letter, width, moment) if number is None else str(number).zfill(min(width, 2))
    return "" if token.text == "@" else token.text


def _day_part(letter: str, width: int, day: date) -> str:
    if letter in "ye":
        return f"{day.year % 100:02}" if letter == "y" and width < 3 else str(day.year)
    number, name = (day.month, month_name[day.month]) if letter == "m" else (day.day, day_name[day.weekday()])
    if width < 3:
        return str(number).zfill(width)
    return {3: name[:3], 4: name, 5: name[:1]}.get(width, name)


def _number_text(section: _Section, value: float) -> str:
    if section.has("general") or any(token == _Token("other", "@") for token in section.tokens):
        return "".join(
            _general(value) if token.kind == "general" or token.text == "@" else token.text
            for token in section.tokens
        )
    digits = [
        at for at, token in enumerate(section.tokens) if token.kind == "other" and token.text in _DIGITS
    ]
    if digits and _Token("other", "/") in section.tokens:  # the denominator may be given
        digits += [at for at, token in enumerate(section.tokens) if at > digits[-1] and token.text.isdigit()]
    if not digits:
        sign = "-" if value < 0 else ""
        return sign + "".join(token.text for token in section.tokens).strip()
    before = "".join(token.text for token in section.tokens[: digits[0]])
    after = "".join(token.text for token in section.tokens[digits[-1] + 1 :])
    pattern = section.tokens[digits[0] : digits[-1] + 1]
    if before.endswith(".") and section.tokens[digits[0] - 1].kind == "other":
        before, pattern = before[:-1], (_Token("other", "."), *pattern)
    thousands = len(after) - len(after.lstrip(","))
    number = (
        Decimal(repr(value))
        / Decimal(1_000) ** thousands
        * (100 if _Token("other", "%") in section.tokens else 1)
    )
    text = _digits_text(pattern, abs(number))
    is_negative = number < 0 and any(char in "123456789" for char in text)
    return ("-" if is_negative else "") + (before + text + after[thousands:]).strip()


def _digits_text(pattern: tuple[_Token, ...], number: Decimal) -> str:
    codes = "".join(token.text if token.kind == "other" else "\0" for token in pattern)
    if match := re.search(r"E[+-]", codes, re.I):
        return _scientific_text(codes[: match.start()], codes[match.start() :], number)
    if "/" in codes and "." not in codes:
        return _fraction_text(codes, number)
    whole, _, decimals = codes.partition(".")
    places = sum(code in _DIGITS for code in decimals)
    rounded = str(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
    digits, _, part = rounded.partition(".")
    needed = sum(code not in "0 " and code in _DIGITS for code in decimals[::-1])
    kept = part.rstrip("0").ljust(decimals.count("0"), "0") if needed else part
    literals = [token.text for token in pattern if token.kind != "other"]
    text = _whole_text(whole, digits.lstrip("0"), literals)
    return text + (f".{kept}" if "." in codes and (kept or "0" in decimals) else "")


def _whole_text(pattern: str, digits: str, literals: list[str]) -> str:
    """Fill the pattern from the right: "0" shows a digit in any case, "#" and "?" if there is one, and what stands between
    stays, such as the hyphen of 000-0000."""
    is_grouped, places = "," in pattern, [code for code in pattern if code in _DIGITS]
    digits = digits.rjust(
        max((len(places) - at for at, code in enumerate(places) if code == "0"), default=0), "0"
    )
    if is_grouped:
        return f"{int(digits):,}".rjust(len(digits), "0") if digits else ""
    if all(code in _DIGITS for code in pattern):
        return digits
    texts, out, left = literals[: pattern.count("\0")], [], digits
    for code in reversed(pattern):
        if code in _DIGITS:
            out.append(left[-1:])
            left = left[:-1]
        elif left or "0" in pattern:
            out.append(texts.pop() if code == "\0" else code)
    return left + "".join(reversed(out))


def _scientific_text(mantissa: str, exponent: str, number: Decimal) -> str:
    whole = max(1, sum(code in _DIGITS for code in mantissa.partition(".")[0]))
    power = (
        number.adjusted() // whole * whole if number and whole > 1 else (number.adjusted() if number else 0)
    )
    places = sum(code in _DIGITS for code in mantissa.partition(".")[2])
    text = f"{number.scaleb(-power):.{places}f}"
    sign = "-" if power < 0 else "+" if "+" in exponent else ""
    return f"{text}E{sign}{str(abs(power)).zfill(exponent.count('0'))}"


def _fraction_text(codes: str, number: Decimal) -> str:
    """Take the denominator that the format gives, or the best one with so many digits."""
    upper, _, lower = codes.partition("/")
    whole = int(number) if re.search(r"[0#?][\s\0]+[0#?]", upper) else 0
    rest = Fraction(number) - whole
    if lower.strip().isdigit() and int(lower):
        above, below = round(rest * int(lower)), int(lower)
    else:
        best = rest.limit_denominator(10 ** sum(code in _DIGITS for code in lower) - 1)
        above, below = best.numerator, best.denominator
    if above == below:
        whole, above = whole + 1, 0
    parts = (str(whole) if whole or not above else "", f"{above}/{below}" if above else "")
    return " ".join(filter(None, parts))
