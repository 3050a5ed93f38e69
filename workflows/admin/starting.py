"""Starting a run by hand, with a form that the schema of the input makes."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core.admin import actor_of
from workflows.admin.schema_forms import SchemaForm
from workflows.admin.shared import Attempt, page, require_editor, workflow_of
from workflows.models import StartedBy
from workflows.services.publishing import published_version
from workflows.services.running import run_draft, start_run


def start_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    require_editor(request)
    actor, workflow = actor_of(request), workflow_of(request, pk)
    form = SchemaForm(workflow.input_schema_json, {}, request.POST or None, prefix="input")
    if request.method == "POST" and form.is_valid():
        with Attempt(request) as starting:
            if request.POST.get("do") == "test":
                run = run_draft(workflow, input=form.config, actor=actor)
            else:
                run = start_run(workflow, input=form.config, actor=actor, started_by=StartedBy.PERSON)
        if starting.succeeded:
            return HttpResponseRedirect(reverse("admin:workflows_workflowrun_change", args=[run.pk]))
    published = published_version(workflow)
    return page(
        request, "start", f"Start a run: {workflow}", workflow=workflow, form=form, published=published
    )
