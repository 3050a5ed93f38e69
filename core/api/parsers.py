"""Limits of JSON bodies: their size, their depth, and values that PostgreSQL can store."""

from __future__ import annotations

import json
from typing import IO, Any

from django.conf import settings
from rest_framework import exceptions, status
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

from core.json_values import why_not_storable

MAX_DEPTH, MAX_VALUES = 32, 20_000


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class StrictJSONParser(JSONParser):
    """Reads no more than DATA_UPLOAD_MAX_MEMORY_SIZE."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"A JSON body may have {limit:,} bytes. Send less at a time.")
        return load_json(body)


def load_json(text: str | bytes) -> Any:
    """Parse JSON and check its limits. Raises ParseError and TooLarge."""
    try:
        value = json.loads(text, parse_constant=strict_constant)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise exceptions.ParseError(f"This is not JSON: {error}.") from error
    _check_limits(value)
    return value


def _check_limits(value: Any) -> None:
    """Level by level instead of recursively, because the depth is limited only here."""
    level, seen = [value], 0
    for _ in range(MAX_DEPTH):
        seen += len(level)
        if seen > MAX_VALUES:
            raise TooLarge(f"The JSON has more than {MAX_VALUES:,} values. Send less at a time.")
        children: list[Any] = []
        for one in level:
            if why := why_not_storable(one):
                raise exceptions.ParseError(f"{why}: OYL cannot keep it.", code="unusable_value")
            if isinstance(one, dict):
                children += [*one, *one.values()]
            elif isinstance(one, list):
                children += one
        level = children
        if not level:
            return
    raise _too_deep()


def _too_deep() -> exceptions.ParseError:
    return exceptions.ParseError(f"The JSON is nested more than {MAX_DEPTH} levels deep.", code="too_deep")
