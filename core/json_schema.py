"""Checking JSON values of users with a JSON Schema (Draft 2020-12): what is wrong, where, and what is allowed there."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, cast
from zoneinfo import available_timezones

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError as SchemaError

from core.json_values import json_text

MAX_ERRORS, SHOWN = 10, 60
_FORMATS = FormatChecker(["uuid"])
_FORMAT_NAMES = {
    "uuid": "an id",
    "re2": "a regular expression of RE2",
    "timezone": "the name of a time zone, such as Europe/Berlin",
}
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a JSON object",
    "string": "a text",
}
Path = tuple[str | int, ...]


def problems(schema: Mapping[str, Any], value: Any) -> list[str]:
    """A sentence for each of the first errors, in the order of their paths; none for a valid value."""
    found = sorted(_errors(schema, value), key=lambda error: [str(step) for step in error.absolute_path])
    return [sentence for error in found[:MAX_ERRORS] for sentence in _sentences(error)]


def valid_part(schema: Mapping[str, Any], value: Any) -> tuple[Any, list[str]]:
    """The value without what the schema does not allow, and the problems of that: for values that were stored before the
    schema was as it is. Items of lists are removed as a whole. It is `{}` if nothing of it is valid."""
    kept, found = copy.deepcopy(value), problems(schema, value)
    while errors := [*_errors(schema, kept)]:
        # The innermost first, and the last items of lists first, so that the other paths stay.
        for path in sorted({path for error in errors for path in _wrong(error)}, key=_depth, reverse=True):
            if not path:
                return {}, found
            del _at(kept, path[:-1])[path[-1]]
    return kept, found


def _wrong(error: SchemaError) -> list[Path]:
    """What has to be removed."""
    path: Path = tuple(error.absolute_path)
    for length, step in enumerate(path, 1):
        if isinstance(step, int):
            return [path[:length]]
    is_unknown = error.validator == "additionalProperties"
    return [(*path, name) for name in _unknown(error)] if is_unknown else [path]


def _depth(path: Path) -> tuple[int, list[tuple[bool, Any]]]:
    return len(path), [(isinstance(step, int), step) for step in path]


@_FORMATS.checks("re2", raises=ValueError)
def _is_regex(value: object) -> bool:
    from core.patterns import compile_regex

    return not isinstance(value, str) or compile_regex(value) is not None


@_FORMATS.checks("timezone")
def _is_timezone(value: object) -> bool:
    return not isinstance(value, str) or value in available_timezones()


def _errors(schema: Mapping[str, Any], value: Any) -> Iterator[SchemaError]:
    return Draft202012Validator(schema, format_checker=_FORMATS).iter_errors(value)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _unknown(error: SchemaError) -> list[str]:
    value: Any = error.instance
    return sorted(set(value) - set(_schema_of(error)["properties"]))


def _schema_of(error: SchemaError) -> dict[str, Any]:
    schema: Any = error.schema
    return cast(dict[str, Any], schema)


def _sentences(error: SchemaError) -> Iterator[str]:
    where = _in_words(tuple(error.absolute_path))
    if error.validator == "additionalProperties":
        known = _schema_of(error)["properties"]
        yield from (_about_unknown(name, where, known) for name in _unknown(error))
    elif error.validator == "required":
        names, value = cast(list[str], error.validator_value), cast(dict[str, Any], error.instance)
        lacking = next(name for name in names if name not in value)
        yield f"{where} lacks '{lacking}'."
    elif _schema_of(error).get("writeOnly"):  # a secret, which no message repeats
        yield f"{where} must be {allowed(_schema_of(error))}."
    else:
        given = json_text(error.instance)
        shown = given if len(given) <= SHOWN else given[:SHOWN] + "…"
        cause = f": {error.cause}" if error.cause and error.validator_value == "re2" else ""
        yield f"{where} must be {allowed(_schema_of(error))}, not {shown}{cause}."


def _in_words(path: Path) -> str:
    return f"'{'.'.join(str(step) for step in path)}'" if path else "The value"


def _about_unknown(name: str, where: str, known: Mapping[str, Any]) -> str:
    place = "" if where == "The value" else f" in {where}"
    meant = get_close_matches(name, known, n=1)
    suggestion = f" Do you mean '{meant[0]}'?" if meant else ""
    return f"Unknown key '{name[:SHOWN]}'{place}.{suggestion} Allowed are: {', '.join(sorted(known))}."


def allowed(schema: Mapping[str, Any]) -> str:
    """In words what a value of the schema is: "a number from 0 to 2 or null"."""
    if "enum" in schema:
        return f"one of: {', '.join(str(one) for one in schema['enum'] if one)}"
    if "description" in schema:
        return str(schema["description"])
    types = schema.get("type", [])
    names = [_TYPES[one] for one in ([types] if isinstance(types, str) else types)]
    names[0] += _limits(schema)
    return " or ".join(names)


def _limits(schema: Mapping[str, Any]) -> str:
    if "format" in schema:
        return f" that is {_FORMAT_NAMES[schema['format']]}"
    if "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    if "maxItems" in schema:
        return f" of {schema.get('minItems', 0)} to {schema['maxItems']} items"
    if "maxLength" in schema:
        return f" of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    return ""
