"""The button that saves an answer as a case of an evaluation set."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from conversations.services.cases import save_as_case
from core.admin import action, actor_of, has_role, show_domain_errors
from core.permissions import Role


class SavesCases:
    """For pages of rows that belong to an answer, their `message`."""

    actions_detail = ["save_case"]

    @action(description="Save as a case", url_path="case", icon="quiz", permissions=["case"])
    @show_domain_errors
    def save_case(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        found = self.get_object(request, object_id)
        if found is None:
            not_found: HttpResponse = self.not_found_redirect(request, object_id)
            return not_found
        case = save_as_case(actor=actor_of(request), message=found.message_id)
        messages.success(request, "The case is saved. Check which documents are expected.")
        return HttpResponseRedirect(reverse("admin:knowledge_evaluationcase_change", args=[case.pk]))

    def has_case_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return has_role(request, Role.EDITOR)
