"""What a body may hold: so much, so deep, and nothing that PostgreSQL could not keep."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, Any

from django.conf import settings
from rest_framework import exceptions, status
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

from core.json_values import why_not_storable

DEEPEST, MOST_VALUES = 32, 20_000


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class StrictJSONParser(JSONParser):
    """Reads no more than it may."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge(f"A JSON body may have {most:,} bytes. Send less at a time.")
        return loaded(body)


def loaded(text: str | bytes) -> Any:
    """The value of some JSON. Raises ParseError and TooLarge."""
    try:
        value = json.loads(text, parse_constant=strict_constant)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise exceptions.ParseError(f"This is not JSON: {error}.") from error
    _check(value)
    return value


def _check(value: Any) -> None:
    """Level by level, as deep as the value is and no deeper than it may be."""
    level, seen = [value], 0
    for _ in range(DEEPEST):
        seen += len(level)
        if seen > MOST_VALUES:
            raise TooLarge(f"The JSON has more than {MOST_VALUES:,} values. Send less at a time.")
        for one in level:
            if why := why_not_storable(one):
                raise exceptions.ParseError(f"{why}: OYL cannot keep it.", code="unusable_value")
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise _too_deep()


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else ()


def _too_deep() -> exceptions.ParseError:
    return exceptions.ParseError(f"The JSON is nested more than {DEEPEST} levels deep.", code="too_deep")
