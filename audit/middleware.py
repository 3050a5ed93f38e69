"""Records refused requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from audit.hourly import record_denial, record_reached_quota
from core.actors import Actor


class DenialMiddleware:
    """A request of a known actor that is answered with 403 is an event, once an hour for each credential and route: an
    attacker cannot fill the log. So is one that is refused because of a quota. It stands outside of the request's
    transaction, which is rolled back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        actor: Actor | None = getattr(request, "actor", None)
        match = request.resolver_match
        quota = getattr(response, "quota", None)
        if quota and actor:
            record_reached_quota(actor=actor, kind=quota.kind, of=quota.subject)
        elif response.status_code == 403 and actor:
            route, method = match.route if match else "", str(request.method)
            record_denial(actor=actor, method=method, route=route, code=_code_of(response))
        return response


def _code_of(response: Any) -> str:
    data = getattr(response, "data", None)
    body = data.get("error", data) if isinstance(data, dict) else {}
    return str(body.get("code") or "forbidden")
