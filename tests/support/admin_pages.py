"""URLs of the admin's pages."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

Model = type[models.Model]


def url(model: Model, page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)
