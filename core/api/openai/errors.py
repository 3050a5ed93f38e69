"""Errors as OpenAI's clients expect them, below `/v1/`."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest

OPENAI = "/v1/"
TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


def wants_envelope(request: HttpRequest | None) -> bool:
    return request is not None and f"{request.path_info}/".startswith(OPENAI)


def envelope(status: int, code: str, detail: str, errors: Sequence[dict[str, str]]) -> dict[str, Any]:
    """`param` is the first field that is not valid; `message` names all of them."""
    message = " ".join(f"{error['field']}: {error['detail']}".removeprefix(": ") for error in errors)
    other = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return {
        "error": {
            "message": message or detail,
            "type": TYPES.get(HTTPStatus(status), other),
            "param": errors[0]["field"] or None if errors else None,
            "code": code,
        }
    }


def status_of(status: int) -> int:
    """OpenAI's API answers 400 instead of 422."""
    is_invalid = status == HTTPStatus.UNPROCESSABLE_ENTITY
    return int(HTTPStatus.BAD_REQUEST if is_invalid else status)
