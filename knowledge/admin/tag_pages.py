"""Pages that change tags as wholes: renaming, merging, and trying a rule before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core.admin import TenantAdmin, actor_of
from core.admin.theme import ModelChoiceField
from core.errors import OylError
from knowledge.models import RuleKind, Tag
from knowledge.services.applied_rules import Trial, try_rule
from knowledge.services.vocabulary import merge_tags, rename_tag


class RenameForm(forms.Form):
    name = forms.CharField(max_length=255, widget=UnfoldAdminTextInputWidget)


class MergeForm(forms.Form):
    into: Any = ModelChoiceField(
        queryset=None,
        widget=UnfoldAdminSelectWidget,
        help_text="It stays, and takes what the others are on, and their rules. The others are deleted.",
    )

    def __init__(self, tags: Sequence[Tag], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["into"].queryset = Tag.objects.filter(pk__in=[tag.pk for tag in tags])  # type: ignore[attr-defined]


class TrialForm(forms.Form):
    kind = forms.ChoiceField(choices=RuleKind.choices, widget=UnfoldAdminSelectWidget)
    pattern = forms.CharField(
        max_length=1000,
        widget=UnfoldAdminTextInputWidget,
        help_text="A keyword is found as whole words, in any case.",
    )


def rename_page(page: TenantAdmin, request: HttpRequest, tag: Tag) -> HttpResponse:
    form = RenameForm(request.POST or None, initial={"name": tag.tag})
    if form.is_valid():
        try:
            rename_tag(actor=actor_of(request), tag=tag, name=form.cleaned_data["name"])
        except OylError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"It is called {tag.tag} now, everywhere.")
            return HttpResponseRedirect(reverse("admin:knowledge_tag_change", args=[tag.pk]))
    return _page(page, request, form, title=f"Rename {tag.tag}", button="Rename")


def merge_page(page: TenantAdmin, request: HttpRequest, tags: Sequence[Tag]) -> HttpResponse | None:
    """None when they are merged."""
    form = MergeForm(tags, request.POST if "into" in request.POST else None)
    if form.is_valid():
        into = form.cleaned_data["into"]
        try:
            count = merge_tags(actor=actor_of(request), tags=tags, into=into)
        except OylError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{into}: {count} other tag{'' if count == 1 else 's'} merged into it.")
            return None
    hidden = [("action", "merge"), *((ACTION_CHECKBOX_NAME, str(tag.pk)) for tag in tags)]
    title = f"Merge {', '.join(tag.tag for tag in tags)}"
    return _page(page, request, form, title=title[:200], button="Merge", hidden=hidden)


def trial_page(page: TenantAdmin, request: HttpRequest, tag: Tag) -> HttpResponse:
    """What a rule would tag, before it is saved."""
    form, trial = TrialForm(request.GET if "pattern" in request.GET else None), None
    if form.is_valid():
        trial = _tried(request, tag, form)
    add = reverse("admin:knowledge_tag_change", args=[tag.pk])
    return _page(
        page,
        request,
        form,
        title=f"Try a rule for {tag.tag}",
        button="Try it",
        template="admin/knowledge/tag/trial.html",
        trial=trial,
        tag_page=add,
    )


def _tried(request: HttpRequest, tag: Tag, form: forms.Form) -> Trial | None:
    data = form.cleaned_data
    try:
        return try_rule(
            actor=actor_of(request), reference_id=tag.reference_id, kind=data["kind"], pattern=data["pattern"]
        )
    except OylError as error:
        form.add_error("pattern", str(error))
        return None


def _page(
    page: TenantAdmin,
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    button: str,
    template: str = "admin/knowledge/tag/form.html",
    hidden: Sequence[tuple[str, str]] = (),
    **more: Any,
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "form": form,
        "button": button,
        "hidden": hidden,
        "back": reverse("admin:knowledge_tag_changelist"),
        **more,
    }
    return TemplateResponse(request, template, context)
