"""Liveness (`/healthz`) and readiness (`/readyz`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, JsonResponse

from oyl.version import VERSION

logger = logging.getLogger(__name__)
NIL_TENANT = UUID(int=0)


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok", "version": VERSION})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when PostgreSQL, Redis and the vector store answer, else 503; names those that do not."""
    components: dict[str, bool] = {}
    for name, probe in PROBES.items():
        try:
            probe()
        except Exception:
            logger.exception("%s does not answer", name)
            components[name] = False
        else:
            components[name] = True
    ready = all(components.values())
    body = {"status": "ok" if ready else "unavailable", "components": components}
    return JsonResponse(body, status=200 if ready else 503)


def probe_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def probe_redis() -> None:
    from django.conf import settings
    from redis import Redis

    with Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
        client.ping()


def probe_vector_store() -> None:
    from engines.vectors import Filter
    from knowledge.engine_config import vector_store

    vector_store().scroll(NIL_TENANT, "readiness", Filter(), limit=1)


PROBES: dict[str, Callable[[], None]] = {
    "database": probe_database,
    "redis": probe_redis,
    "vector_store": probe_vector_store,
}
