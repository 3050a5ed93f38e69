"""URLs of the admin's pages."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django_celery_results.models import TaskResult

from audit.models import PlatformEvent
from tenants.models import User

Model = type[models.Model]
# Models without a tenant. Only operators see their pages.
OPERATORS_ONLY: set[Model] = {User, TaskResult, PlatformEvent}


def url(model: Model, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)
