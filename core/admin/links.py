"""Links to the admin pages of objects."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils.html import format_html


def link_to(model: type[models.Model], pk: Any, text: str) -> str:
    """The text, as a link if the model has a page."""
    if model not in admin.site._registry:
        return text
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return format_html('<a class="oyl-link" href="{}">{}</a>', reverse(name, args=[pk]), text)
