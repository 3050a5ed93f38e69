"""The problems and headers that any operation may answer with."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from core.api.problems import MEDIA_TYPE, STATUSES
from core.errors import OylError

TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "properties": {
        "type": {**TEXT, "description": "Always about:blank: `code` tells problems apart."},
        "title": {**TEXT, "description": "The status in words."},
        "status": {"type": "integer"},
        "code": {**TEXT, "description": "Stable, for programmes. More may be added."},
        "detail": {**TEXT, "description": "For people: what is wrong, and what to do."},
        "request_id": {**TEXT, "description": "As in `X-Request-ID`, the log and the audit log."},
        "errors": {
            "type": "array",
            "description": "Each field that is not valid.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {
                        **TEXT,
                        "description": "As in `filters.tags_any.0`; empty for the body as a whole.",
                    },
                    "code": TEXT,
                    "detail": TEXT,
                },
                "required": ["field", "code", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "code", "detail", "request_id"],
}
# What each status means here, and its codes besides those of the domain's errors.
PROBLEMS: dict[int, tuple[str, tuple[str, ...]]] = {
    400: ("What was sent cannot be read.", ("parse_error", "too_deep", "unusable_value", "bad_request")),
    401: ("There is no key or sign-in, or it opens nothing.", ("not_authenticated", "invalid_api_key")),
    403: (
        "The role, or the key's scopes or binding, do not allow it.",
        ("scope_missing", "key_bound", "permission_denied"),
    ),
    404: ("There is no such object, or it is another tenant's: nobody can tell these apart.", ()),
    406: ("The answer cannot be had in a form that `Accept` names.", ("not_acceptable",)),
    409: ("It does not fit what is there, or the same request is under way.", ()),
    412: ("The object is no longer the one that `If-Match` names.", ("precondition_failed",)),
    413: ("More was sent than is taken.", ("too_large",)),
    415: ("The body is of another media type than is taken.", ("unsupported_media_type",)),
    416: ("There are no such bytes: `Content-Range` has the size.", ()),
    422: ("Something that was sent is not valid: `errors` names the fields.", ()),
    429: ("Too many requests: try again after `Retry-After` seconds.", ("rate_limited", "too_many_at_once")),
    503: ("A part of OYL is not available: try again after `Retry-After` seconds.", ("busy",)),
}
HEADERS = {
    "X-Request-ID": ("The request's id, as in logs and in the audit log.", TEXT),
    "ETag": ("The object's state: send it back as `If-Match`, or as `If-None-Match`.", TEXT),
    "Location": ("Where the new object is read.", TEXT),
    "Content-Range": ("Which bytes these are, and of how many.", TEXT),
    "Idempotency-Replayed": ("`true` when the request was answered before.", TEXT),
    "RateLimit": ("What is left of your limit, and until when.", TEXT),
    "RateLimit-Policy": ("Your limit.", TEXT),
    "Retry-After": ("In how many seconds to try again.", {"type": "integer"}),
    "WWW-Authenticate": ("How to authenticate.", TEXT),
}
COMMON_HEADERS = ("X-Request-ID", "RateLimit", "RateLimit-Policy")
EXTRA_HEADERS = {
    401: ["WWW-Authenticate"],
    416: ["Content-Range"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}


def headers(*more: str) -> dict[str, Any]:
    """References to the headers that every response may have, and to the given ones."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*COMMON_HEADERS, *more)}


def response_reference(code: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{_name(code)}"}


def components() -> dict[str, Any]:
    """The targets of the references."""
    return {
        "schemas": {"Problem": PROBLEM},
        "responses": {_name(code): _response_component(code) for code in PROBLEMS},
        "headers": {name: {"description": text, "schema": kind} for name, (text, kind) in HEADERS.items()},
    }


def codes(status: int) -> list[str]:
    """All codes of a status, including those of the domain's errors."""
    kinds = [kind for kind, answered in STATUSES.items() if answered == status]
    return sorted({*PROBLEMS[status][1], *(kind().code for base in kinds for kind in _subclasses(base))})


def _subclasses(kind: type[OylError]) -> Iterator[type[OylError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _subclasses(child)


def _name(code: int) -> str:
    return HTTPStatus(code).phrase.replace(" ", "")


def _response_component(code: int) -> dict[str, Any]:
    meaning, known = PROBLEMS[code][0], codes(code)
    example = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "code": (known or ["vectors_unreachable"])[0],
        "detail": meaning,
        "request_id": "0123456789abcdef0123456789abcdef",
    }
    listed = f" Codes: {', '.join(f'`{one}`' for one in known)}." if known else ""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": meaning + listed,
        "headers": headers(*EXTRA_HEADERS.get(code, [])),
        "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
    }
