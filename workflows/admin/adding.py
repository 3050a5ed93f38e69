"""Adding an example, or a workflow of its export."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from core.admin import actor_of
from workflows.admin.shared import Attempt, page, require_editor
from workflows.models import Workflow
from workflows.services.examples import add_example, described_examples
from workflows.services.publishing import publish
from workflows.services.yaml_form import LONGEST, import_yaml
from workspaces.models import Workspace


class AddForm(forms.Form):
    workspace = forms.ModelChoiceField(Workspace.objects.none(), widget=UnfoldAdminSelectWidget)
    yaml = forms.CharField(
        required=False,
        max_length=LONGEST,
        strip=False,
        label="A workflow as YAML",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "spellcheck": "false", "class": "oyl-code"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["workspace"].queryset = Workspace.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["workspace"].empty_label = None  # type: ignore[attr-defined]


def add_page(request: HttpRequest) -> HttpResponse:
    require_editor(request)
    form = AddForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with Attempt(request) as adding:
            workflow = _added(request, form)
        if adding.succeeded:
            return HttpResponseRedirect(reverse("admin:workflows_steps", args=[workflow.pk]))
    return page(request, "add", "Add a workflow", form=form, examples=described_examples())


def _added(request: HttpRequest, form: AddForm) -> Workflow:
    """An example works as it stands, so it is published at once."""
    actor, workspace = actor_of(request), form.cleaned_data["workspace"]
    if name := request.POST.get("example"):
        workflow = add_example(name, workspace=workspace, actor=actor)
        publish(workflow, actor=actor)
        return workflow
    return import_yaml(form.cleaned_data["yaml"], workspace=workspace, actor=actor)
