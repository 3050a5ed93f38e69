"""The results of background tasks, for operators."""

from __future__ import annotations

import json
from typing import Any

from celery import states
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django_celery_results.models import GroupResult, TaskResult

from core.admin.base import OperatorPermissions, ReadOnlyAdmin
from core.admin.theme import display
from oyl import quota_admin  # noqa: F401 (registers its page)

COLORS = {states.SUCCESS: "success", states.FAILURE: "danger"}

admin.site.unregister(GroupResult)  # OYL has no groups of tasks
admin.site.unregister(TaskResult)


@admin.register(TaskResult)
class TaskResultAdmin(OperatorPermissions, ReadOnlyAdmin):
    list_display = ["task_name", "state", "outcome", "worker", "date_done"]
    list_filter = ["status", "task_name", "date_done"]
    search_fields = ["task_name", "task_id"]
    ordering = ["-date_done"]
    fields = ["task_name", "task_id", "arguments", "state", "outcome", "worker", "date_done"]

    @display(description="State", ordering="status", label=COLORS)
    def state(self, obj: TaskResult) -> str:
        return str(obj.status)

    @display(description="Arguments")
    def arguments(self, obj: TaskResult) -> str:
        return str(json.loads(obj.task_kwargs or "{}"))

    @display(description="Result")
    def outcome(self, obj: TaskResult) -> str:
        """The number that the task returned, or the class of its exception."""
        value = json.loads(obj.result or "null")
        return str(value["exc_type"] if isinstance(value, dict) else value)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().change_view(request, object_id, extra_context={"show_history": False})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Results are of no tenant, and the audit log does not name them."""
        raise Http404
