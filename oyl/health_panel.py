"""What operators see of their installation on the first page of the admin, fetched by it every ten seconds."""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from redis import Redis, RedisError

from core.admin.base import operator_of
from core.requests import opens_own_scopes
from jobs.handlers import handlers
from jobs.queue import DueJobs, due_jobs
from jobs.signs_of_life import Sign, signs
from oyl.doctor import run_checks
from oyl.version import VERSION

# Those that answer at once. The others are tried by `manage.py doctor` alone: models, OCR, isolation and migrations.
QUICK = ("database", "redis", "worker", "beat", "vector store", "data folder", "encryption keys", "audit key")
PROBE_SECONDS = 2


@opens_own_scopes
def health_panel(request: HttpRequest) -> HttpResponse:
    operator_of(request)
    context = {
        "checks": run_checks(QUICK),
        "signs": _signs(),
        "queues": [(one, _waits(one)) for one in due_jobs(handlers())],
        "versions": _versions(),
        "now": timezone.now(),
    }
    return TemplateResponse(request, "admin/health.html", context)


def _signs() -> list[Sign]:
    try:
        return signs()
    except RedisError:
        return []


def _waits(due: DueJobs) -> int:
    """For how many seconds the oldest job has waited."""
    return int((timezone.now() - due.oldest).total_seconds()) if due.oldest else 0


def _versions() -> dict[str, str]:
    postgres = divmod(connection.cursor().connection.info.server_version, 10_000)
    return {
        "OYL": VERSION,
        "Python": sys.version.partition(" ")[0],
        "Django": django.get_version(),
        "PostgreSQL": f"{postgres[0]}.{postgres[1]}",
        "Redis": _redis_version(),
    }


def _redis_version() -> str:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=PROBE_SECONDS) as client:
            return str(client.info("server")["redis_version"])
    except RedisError:
        return "does not answer"
