"""The admin pages of the organisation, its members and invitations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.admin import RecordedReadsAdmin
from core.admin.base import TenantAdmin, TenantForm, actor_of
from core.admin.theme import action, display
from core.encryption.fields import WriteOnlyFormField
from core.permissions import Role
from tenants.admin.show_once import show_once
from tenants.models import Invitation, Membership, Tenant
from tenants.revoking import PENDING
from tenants.services import invitations, members, organisations

ROLE_COLOURS = {"Owner": "primary", "Admin": "info", "Editor": "success", "Viewer": "default"}


class OrganisationForm(TenantForm):
    metadata = WriteOnlyFormField(label="Confidential metadata", widget=UnfoldAdminTextareaWidget)


@admin.register(Tenant)
class OrganisationAdmin(TenantAdmin):
    """Has one row: the current organisation."""

    form = OrganisationForm

    view_role = write_role = Role.ADMIN
    list_display = ["name", "created_at"]
    fields = ["name", "metadata", "has_metadata", "id", "created_at", "updated_at"]
    readonly_fields = ["has_metadata", "id", "created_at", "updated_at"]

    @display(description="Metadata is stored", boolean=True)
    def has_metadata(self, obj: Tenant) -> bool:
        return obj.metadata_encrypted is not None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if form.cleaned_data["metadata"]:
            obj.metadata_encrypted = form.cleaned_data["metadata"]
        organisations.update_tenant(actor=actor_of(request), tenant=obj)


@admin.register(Membership)
class MembershipAdmin(RecordedReadsAdmin):
    read_event = "members.read"
    view_role = write_role = Role.ADMIN
    list_display = ["email", "role_badge", "created_at"]
    list_select_related = ["user"]
    list_filter = ["role"]
    search_fields = ["user__email", "user__name"]
    ordering = ["user__email"]

    @display(description="E-mail", ordering="user__email")
    def email(self, obj: Membership) -> str:
        return obj.user.email

    @display(description="Role", ordering="role", label=ROLE_COLOURS)
    def role_badge(self, obj: Membership) -> str:
        return str(obj.get_role_display())

    fields = ["user", "role"]
    readonly_fields = ["user"]
    actions_list = ["invite"]

    @action(description="Invite somebody", permissions=["write"])
    def invite(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:tenants_invitation_add")

    def formfield_for_choice_field(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        return super().formfield_for_choice_field(db_field, request, choices=roles_up_to(request), **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody becomes a member unasked: people are invited."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An admin cannot change owners."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or actor_of(request).role.rank >= Role(obj.role).rank)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        members.set_role(actor=actor_of(request), membership=obj, role=Role(obj.role))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        members.remove_member(actor=actor_of(request), membership=obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for membership in queryset.select_related("user"):
            self.delete_model(request, membership)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        people = [str(obj) for obj in objs]
        return people, {"members": len(people)}, set(), []


def roles_up_to(request: HttpRequest) -> list[tuple[str, str]]:
    """Only owners can make owners."""
    return [(role.value, role.label) for role in Role if role.rank <= actor_of(request).role.rank]


class InvitationForm(TenantForm):
    """A pending invitation to the same address is not an error: the person gets a new link."""

    def validate_constraints(self) -> None:
        pass


@admin.register(Invitation)
class InvitationAdmin(TenantAdmin):
    """Pending invitations. They are made, made again and revoked, never changed."""

    form = InvitationForm
    view_role = write_role = Role.ADMIN
    list_display = ["email", "role_badge", "state", "created_at", "expires_at"]
    list_filter = ["role"]
    search_fields = ["email"]
    ordering = ["-created_at"]
    actions = ["invite_again"]

    @display(description="Role", ordering="role", label=ROLE_COLOURS)
    def role_badge(self, obj: Invitation) -> str:
        return str(obj.get_role_display())

    @display(description="State", label={"Expired": "danger", "Not mailed": "warning", "Waiting": "info"})
    def state(self, obj: Invitation) -> str:
        if obj.expires_at <= timezone.now():
            return "Expired"
        return "Not mailed" if obj.by_mail and not obj.mailed_at else "Waiting"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(**PENDING)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["email", "role", *(["state", "created_at", "expires_at"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj) if obj else []

    def formfield_for_choice_field(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        return super().formfield_for_choice_field(db_field, request, choices=roles_up_to(request), **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = invitations.invite(actor=actor_of(request), email=obj.email, role=Role(obj.role))
        obj.pk = made.invitation.pk
        request.one_time_secret = made.link  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._show_link(request, obj.email, request.one_time_secret)  # type: ignore[attr-defined]

    @admin.action(description="Invite the selected person again, by a new link", permissions=["write"])
    def invite_again(
        self, request: HttpRequest, queryset: models.QuerySet[Invitation]
    ) -> HttpResponse | None:
        if len(queryset) != 1:
            self.message_user(request, "Choose one invitation.", "error")
            return None
        email, role = queryset[0].email, Role(queryset[0].role)
        made = invitations.invite(actor=actor_of(request), email=email, role=role)
        return self._show_link(request, email, made.link)

    def _show_link(self, request: HttpRequest, email: str, link: str | None) -> HttpResponse:
        if link is None:
            self.message_user(request, f"The invitation is being mailed to {email}.")
            return redirect("admin:tenants_invitation_changelist")
        advice = (
            f"Hand it over to {email} in a safe way. It works once, within {invitations.VALIDITY.days} days."
        )
        title = f"An invitation for {email}"
        return show_once(self, request, title=title, label="Link", text=link, advice=advice)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        invitations.revoke_invitation(actor=actor_of(request), invitation=obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        for invitation in queryset:
            self.delete_model(request, invitation)
