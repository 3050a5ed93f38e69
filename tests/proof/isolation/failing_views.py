"""Views for the test of isolation under load: they fail, time out and stream inside a tenant's scope."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path

from core.admin import actor_of
from core.isolation.scope import VARIABLE, tenant_scope
from core.requests import opens_own_scopes
from knowledge.models import Document


def _names() -> list[str]:
    return list(Document.objects.values_list("filename", flat=True))


def fails(request: HttpRequest) -> HttpResponse:
    """Raises after a write."""
    Document.objects.update(filename="lost")
    raise ValueError(_names())


def writes(request: HttpRequest) -> HttpResponse:
    """Updates every document of the tenant."""
    return JsonResponse(
        {"written": Document.objects.update(size_bytes=F("size_bytes") + 1), "names": _names()}
    )


def rolls_back(request: HttpRequest) -> HttpResponse:
    Document.objects.update(filename="lost")
    transaction.set_rollback(True)
    return JsonResponse({"names": []})


def is_refused(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"names": _names()}, status=422)


def times_out(request: HttpRequest) -> HttpResponse:
    """PostgreSQL cancels the statement."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 5")
        cursor.execute("SELECT pg_sleep(5)")
    return JsonResponse({"names": _names()})


def breaks_the_connection(request: HttpRequest) -> HttpResponse:
    """PostgreSQL ends the session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return JsonResponse({"names": _names()})


@opens_own_scopes
def streams(request: HttpRequest) -> StreamingHttpResponse:
    """Each part in its own scope; the client may disconnect before the end."""
    return StreamingHttpResponse(_parts(request))


def _parts(request: HttpRequest) -> Iterator[str]:
    for _ in range(20):
        with tenant_scope(actor_of(request).tenant_id):
            part = " ".join(_names())
        yield part


@opens_own_scopes
def streams_inside(request: HttpRequest) -> StreamingHttpResponse:
    """Yields inside the scope, which is wrong: a client that disconnects leaves the scope open."""
    return StreamingHttpResponse(_parts_inside(request))


def _parts_inside(request: HttpRequest) -> Iterator[str]:
    with tenant_scope(actor_of(request).tenant_id):
        for _ in range(20):
            yield " ".join(_names())


@opens_own_scopes
def outside(request: HttpRequest) -> HttpResponse:
    """SQL without a scope. Answers 409 if the connection still has a tenant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT filename FROM documents UNION ALL SELECT current_setting(%s, true)", [VARIABLE]
        )
        names = [name for (name,) in cursor.fetchall() if name]
    return JsonResponse({"names": names}, status=409 if names else 200)


urlpatterns = [
    path("", include("oyl.urls")),
    *(
        path(f"trouble/{view.__name__}/", view)
        for view in (
            fails,
            writes,
            rolls_back,
            is_refused,
            times_out,
            breaks_the_connection,
            streams,
            streams_inside,
            outside,
        )
    ),
]
