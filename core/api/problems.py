"""Errors of the API as problem details (RFC 9457); below `/v1/` in OpenAI's format.

Each has a stable `code`, a `detail` for people, the request's id, and, if fields are not valid, a list of `errors`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.conf import global_settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from psycopg.errors import ForeignKeyViolation, UniqueViolation
from rest_framework import exceptions, status, views
from rest_framework.fields import get_error_detail
from rest_framework.response import Response

from core.api.idempotency import AlreadyAnswered
from core.api.openai.errors import envelope, status_of, wants_envelope
from core.api.parsers import TooLarge
from core.concurrency import Kind
from core.conditional import RangeNotSatisfiableError
from core.connections import is_database_busy
from core.errors import (
    ConflictError,
    EngineError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OylError,
    PassingConflictError,
    TookTooLongError,
)
from core.isolation.time_limits import waited_for_lock, was_stopped
from core.quotas import QuotaExceededError
from core.rate_limits import RateLimitResult
from core.request_work import RETRY_SECONDS, ClientLeftError
from core.requests import API_PREFIXES
from core.tenant_slots import TooBusyError

STATUSES: dict[type[OylError], int] = {
    NotFoundError: status.HTTP_404_NOT_FOUND,
    ForbiddenError: status.HTTP_403_FORBIDDEN,
    ConflictError: status.HTTP_409_CONFLICT,
    InvalidError: status.HTTP_422_UNPROCESSABLE_ENTITY,
    ClientLeftError: status.HTTP_503_SERVICE_UNAVAILABLE,  # nobody receives it
    TookTooLongError: status.HTTP_503_SERVICE_UNAVAILABLE,
    RangeNotSatisfiableError: status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
}
TOO_MUCH: dict[type[Exception], str] = {
    RequestDataTooBig: "The texts of the body are longer than OYL takes at a time.",
    TooManyFieldsSent: f"The body has more than {global_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields. Send fewer.",
    TooManyFilesSent: f"The body has more than {global_settings.DATA_UPLOAD_MAX_NUMBER_FILES} files. Send fewer.",
}
UNAVAILABLE = "A part of OYL is not available at the moment. Try again later."
BUSY = (
    "OYL has more to do at the moment than it can. Send the request again after the seconds in `Retry-After`."
)
NOT_FOUND = "There is nothing at this address."
TOO_MANY_REQUESTS = "You ask more often than you may. `Retry-After` says after how many seconds to go on."
TOO_MANY_AT_ONCE = "You have as many {kind} under way as you may. End some of them, or try again later."
INVALID = "Some fields are not valid: `errors` names each."
CONFLICT = "This does not fit what is there: another has this name, or its parent is gone."
# Raised when a check has passed, and another transaction commits first.
RACE_ERRORS = (UniqueViolation, ForeignKeyViolation)
BUSY_SECONDS = 5
MEDIA_TYPE = "application/problem+json"
PASSED_HEADERS = ("Allow", "WWW-Authenticate", "Retry-After")
logger = logging.getLogger(__name__)


class PreconditionFailed(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition_failed"
    default_detail = "The object has changed since you read it. Read it again and repeat your change."


class Busy(exceptions.APIException):
    """No database connection is free. Django REST framework sends `wait` as `Retry-After`."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "busy"
    default_detail = BUSY
    wait = BUSY_SECONDS


def problem(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """None for internal errors. An engine's detail is only logged, because it names internal addresses."""
    request = context.get("request")
    if isinstance(error, AlreadyAnswered):
        return error.response()
    if isinstance(error, EngineError):
        logger.warning("%s: %s", error.code, error.detail)
        if error.retryable or not error.code.startswith("invalid_"):
            return _response(request, 503, error.code, UNAVAILABLE, headers={"Retry-After": "10"})
        return _response(request, 422, error.code, error.detail)
    if was_stopped(error):
        return _stopped_problem(request, error)
    if isinstance(error, IntegrityError) and isinstance(error.__cause__, RACE_ERRORS):
        error = ConflictError(CONFLICT)
    if isinstance(error, OylError):
        return _domain_problem(request, error)
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(get_error_detail(error))
    if type(error) in TOO_MUCH:
        error = TooLarge(TOO_MUCH[type(error)])
    if is_database_busy(error):
        error = Busy()
    return _framework_problem(error, context)


def _stopped_problem(request: Any, error: Exception) -> Response:
    """A repetition helps where another transaction was in the way."""
    stopped = TookTooLongError()
    headers = {"Retry-After": str(BUSY_SECONDS)} if waited_for_lock(error) else None
    return _response(request, 503, stopped.code, str(stopped), headers=headers)


def _domain_problem(request: Any, error: OylError) -> Response | None:
    if isinstance(error, QuotaExceededError):
        return _quota_problem(request, error)
    if isinstance(error, TooBusyError):
        return _response(request, 429, error.code, str(error), headers={"Retry-After": str(RETRY_SECONDS)})
    headers = {}
    if isinstance(error, RangeNotSatisfiableError):
        headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, PassingConflictError):
        headers["Retry-After"] = str(RETRY_SECONDS)
    kind = next((kind for kind in STATUSES if isinstance(error, kind)), None)
    if kind is None:
        return None
    own = {"field": error.field, "code": error.code, "detail": str(error)}
    errors = [own] if error.field else None
    return _response(request, STATUSES[kind], error.code, str(error), headers=headers, errors=errors)


def _quota_problem(request: Any, error: QuotaExceededError) -> Response:
    """A quota of a day is a 429, that of what is stored a 403."""
    standing, resets_at = error.standing, error.standing.resets_at
    seconds = math.ceil((resets_at - timezone.now()).total_seconds()) if resets_at else 0
    quota = {
        "kind": standing.kind,
        "of": standing.subject,
        "used": standing.used,
        "limit": standing.limit,
        "resets_at": resets_at,
    }
    headers = {"Retry-After": str(max(1, seconds))} if resets_at else {}
    code = status.HTTP_429_TOO_MANY_REQUESTS if resets_at else status.HTTP_403_FORBIDDEN
    response = _response(request, code, error.code, str(error), headers=headers, facts={"quota": quota})
    response.quota = standing  # type: ignore[attr-defined]  # for the audit log
    return response


def _framework_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Errors of Django REST framework. A body that is no JSON is a 400; fields that are not valid are a 422."""
    response = views.exception_handler(error, context)
    if response is None:
        return None
    request = context.get("request")
    headers = {name: response[name] for name in PASSED_HEADERS if name in response}
    if isinstance(error, exceptions.ValidationError):
        return _response(request, 422, "invalid", INVALID, errors=list(_field_errors(error.detail)))
    detail = getattr(error, "detail", NOT_FOUND)
    code = getattr(detail, "code", "not_found")
    return _response(request, response.status_code, code, str(detail), headers=headers)


def _field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """[{"field": "steps.0.name", "code": "required", "detail": "…"}]; the field is "" for the body as a whole."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name in ("non_field_errors", "__all__") else str(name)
            yield from _field_errors(inner, ".".join(filter(None, (path, own))))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            is_plain = isinstance(inner, exceptions.ErrorDetail)
            yield from _field_errors(inner, path if is_plain else ".".join(filter(None, (path, str(number)))))
    else:
        yield {"field": path, "code": detail.code, "detail": str(detail)}


def _response(
    request: Any,
    code: int,
    name: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
    facts: dict[str, Any] | None = None,
) -> Response:
    http_request = getattr(request, "_request", request)
    if wants_envelope(http_request):
        return Response(envelope(code, name, detail, errors or []), status=status_of(code), headers=headers)
    body = details(http_request, code, name, detail)
    return Response(
        {**body, **({"errors": errors} if errors else {}), **(facts or {})},
        status=code,
        headers=headers,
        content_type=MEDIA_TYPE,
    )


def details(request: HttpRequest | None, code: int, name: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "code": name,
        "detail": detail,
        "request_id": getattr(request, "id", ""),
    }


def plain_problem(request: HttpRequest, code: int, name: str, detail: str) -> JsonResponse:
    """A problem outside of Django REST framework's views."""
    if wants_envelope(request):
        return JsonResponse(envelope(code, name, detail, []), status=status_of(code))
    return JsonResponse(details(request, code, name, detail), status=code, content_type=MEDIA_TYPE)


def service_busy(request: HttpRequest) -> HttpResponse:
    response = plain_problem(request, 503, "busy", BUSY)
    response["Retry-After"] = str(BUSY_SECONDS)
    return response


def too_busy(request: HttpRequest, error: TooBusyError) -> HttpResponse:
    if request.path_info.startswith(API_PREFIXES):
        response: HttpResponse = plain_problem(request, 429, error.code, str(error))
    else:
        response = HttpResponse(render_to_string("busy.html"), status=429)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def too_many_at_once(request: HttpRequest, kind: Kind) -> HttpResponse:
    if request.path_info.startswith(API_PREFIXES):
        response: HttpResponse = plain_problem(
            request, 429, "too_many_at_once", TOO_MANY_AT_ONCE.format(kind=kind)
        )
    else:
        response = HttpResponse(render_to_string("busy.html"), status=429)
    response["Retry-After"] = str(BUSY_SECONDS)
    return response


def too_many_requests(request: HttpRequest, result: RateLimitResult) -> HttpResponse:
    return with_rate_headers(plain_problem(request, 429, "rate_limited", TOO_MANY_REQUESTS), result)


def with_rate_headers(response: HttpResponse, result: RateLimitResult) -> HttpResponse:
    for name, value in result.headers.items():
        response[name] = value
    return response
