"""Liveness (`/healthz`) and readiness (`/readyz`)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from uuid import UUID

import psycopg
from django.db import connection
from django.http import HttpRequest, JsonResponse
from psycopg_pool import ConnectionPool, PoolTimeout

from jobs.signs_of_life import signs
from oyl.version import VERSION

logger = logging.getLogger(__name__)
NIL_TENANT = UUID(int=0)
PROBE_SECONDS = 2
_probing = threading.Lock()


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok", "version": VERSION})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when PostgreSQL, Redis and the vector store answer, else 503; names those that do not. The status "busy" says that
    all answer, but that this process has no database connection free. Requests do not need a worker, so that one that hangs
    is named, too, but changes nothing."""
    components: dict[str, bool] = {}
    for name, probe in PROBES.items():
        try:
            probe()
        except Exception:
            logger.exception("%s does not answer", name)
            components[name] = False
        else:
            components[name] = True
    has_worker = components["redis"] and any(sign.kind == "worker" and not sign.is_silent for sign in signs())
    status = "unavailable" if not all(components.values()) else "ok" if _has_free_connection() else "busy"
    body = {"status": status, "components": {**components, "worker": has_worker}}
    return JsonResponse(body, status=200 if status == "ok" else 503)


def probe_database() -> None:
    """By a connection of its own, so that requests that use up the pool cannot hide that PostgreSQL answers. One probe at a
    time, because each connection is a process of PostgreSQL."""
    if not _probing.acquire(timeout=PROBE_SECONDS):
        raise TimeoutError("Another probe of the database does not end.")
    try:
        parameters = connection.get_connection_params()
        with psycopg.connect(**parameters, connect_timeout=PROBE_SECONDS) as own:
            own.execute("SELECT 1")
    finally:
        _probing.release()


def _has_free_connection() -> bool:
    pool: ConnectionPool = connection.pool  # type: ignore[attr-defined]
    pool.open()
    try:
        with pool.connection(timeout=PROBE_SECONDS):
            return True
    except PoolTimeout:
        logger.warning("All database connections of this process are in use: %s", pool.get_stats())
        return False


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
