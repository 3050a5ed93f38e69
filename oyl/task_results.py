"""Where Celery keeps the results of tasks: in PostgreSQL, for operators (docs/commands.md)."""

from __future__ import annotations

from typing import Any

from celery import states
from django_celery_results.backends import DatabaseBackend


class TaskResultBackend(DatabaseBackend):  # type: ignore[misc]
    """The results are in a table that all tenants share, so that they hold ids and numbers only: of an exception its class,
    since its message and traceback may quote a document. A task that succeeded and found nothing to do leaves no row. Nor
    does a message that has expired: the worker's main thread refuses it, and would end with its connection to PostgreSQL."""

    def prepare_exception(self, exc: BaseException, serializer: str | None = None) -> dict[str, str]:
        return {"exc_type": type(exc).__qualname__, "exc_message": "", "exc_module": type(exc).__module__}

    def _store_result(self, task_id: str, result: Any, status: str, *_: Any, **options: Any) -> Any:
        if status == states.REVOKED or (status == states.SUCCESS and not result):
            return result
        return super()._store_result(task_id, result, status, request=options.get("request"))
