"""The workspaces' part of the admin's first page: the next step while there is no workspace."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from core.admin import has_role
from core.admin.home import Home, NextStep
from core.permissions import Role
from workspaces.models import Workspace


def home(request: HttpRequest) -> Home:
    if not has_role(request, Role.EDITOR) or Workspace.objects.exists():
        return Home()
    if not has_role(request, Role.ADMIN):
        sentence = "There is no workspace yet. Ask an administrator of your organisation to make one."
        return Home(next_step=NextStep(sentence=sentence))
    return Home(
        next_step=NextStep(
            sentence="Start with your first documents: they can be searched as soon as they are read.",
            link=reverse("admin:knowledge_document_add"),
            button="Upload documents",
        )
    )
