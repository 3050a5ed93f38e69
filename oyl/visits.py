"""The pages on which an operator enters a tenant, with a reason, and leaves it."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from core.admin.base import operator_of
from core.errors import InvalidError
from core.isolation.tenant_directory import all_tenants
from core.recent_password import PasswordNeededError
from core.requests import opens_own_scopes
from oyl.password_again import ask_password
from oyl.tenant_marks import mark_of
from tenants import visits
from tenants.middleware import MemberRequest, operator_actor
from tenants.services.visits import enter_tenant, leave_tenant, readable_reason

REASON_LENGTH = 500


class VisitForm(forms.Form):
    tenant = forms.TypedChoiceField(
        label="Organisation",
        coerce=UUID,
        choices=lambda: [
            ("", ""),
            *((str(pk), f"{name} ({mark_of(pk)})") for pk, name in all_tenants().items()),
        ],
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "There is no such organisation."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget,
        help_text="The organisation's audit log shows it, with your e-mail address and the time.",
    )

    def clean_reason(self) -> str:
        try:
            return readable_reason(self.cleaned_data["reason"])
        except InvalidError as error:
            raise ValidationError(str(error), code="invalid_reason") from error


@opens_own_scopes
def enter_page(request: HttpRequest) -> HttpResponse:
    operator = operator_of(request)
    form = VisitForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            visit = enter_tenant(
                actor=operator, tenant_id=form.cleaned_data["tenant"], reason=form.cleaned_data["reason"]
            )
        except PasswordNeededError:
            return ask_password(request)
        visits.keep(request.session, visit)
        rotate_token(request)  # forms that were opened before are refused
        return HttpResponseRedirect(reverse("admin:index"))
    context = {**admin.site.each_context(request), "title": "Enter an organisation", "form": form}
    return TemplateResponse(request, "admin/enter_tenant.html", context)


@require_POST
@opens_own_scopes
def leave_page(request: MemberRequest) -> HttpResponse:
    end_visit(request)
    return HttpResponseRedirect(reverse("admin:index"))


def end_visit(request: MemberRequest) -> None:
    """End the present visit, if there is one."""
    if (visit := request.visit) is None:
        return
    del request.session[visits.SESSION_KEY]
    rotate_token(request)
    leave_tenant(actor=operator_actor(request), visit_id=visit.id, tenant_id=visit.tenant_id)
    messages.success(request, f"You have left {visit.name}.")
