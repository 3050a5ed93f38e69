"""Deleting on a page that says what is lost, asks for the name where it is much, and leads back to the list."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from core.admin import TenantAdmin


class DeletionPage:
    """For a `TenantAdmin`, before it in the bases."""

    delete_confirmation_template: Any = "admin/knowledge/delete_confirmation.html"
    # What is said after it.
    deleted_sentence = "{} is deleted."

    def losses(self, obj: Any) -> list[str]:
        """Sentences on what goes with it, and what becomes of that."""
        return []

    def asks_for_name(self, obj: Any) -> bool:
        return False

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page = cast(TenantAdmin, self)
        obj = page.get_object(request, unquote(object_id)) if page.has_delete_permission(request) else None
        if obj is not None and request.method == "POST" and self._is_unnamed(request, obj):
            messages.error(request, f"Nothing was deleted. Write the name as it is: {obj}")
            return HttpResponseRedirect(request.path)
        more = {"losses": self.losses(obj), "asks_for_name": self.asks_for_name(obj)} if obj else {}
        found: HttpResponse = super().delete_view(request, object_id, {**(extra_context or {}), **more})  # type: ignore[misc]
        return found

    def _is_unnamed(self, request: HttpRequest, obj: Any) -> bool:
        return self.asks_for_name(obj) and request.POST.get("name", "").strip() != str(obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        page = cast(TenantAdmin, self)
        messages.success(request, format_html(self.deleted_sentence, obj_display))
        name = f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"
        return HttpResponseRedirect(f"{reverse(name)}?{page.get_preserved_filters(request)}".rstrip("?"))
