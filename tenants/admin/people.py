"""The admin pages of the organisation, its members and invitations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.admin import RecordedReadsAdmin
from core.admin.base import TenantAdmin, TenantForm, actor_of, redirect_or_htmx, show_domain_errors
from core.admin.theme import action, display
from core.encryption.fields import WriteOnlyFormField
from core.permissions import Role
from tenants.admin.show_once import show_once
from tenants.models import Invitation, Membership, Tenant
from tenants.revoking import PENDING
from tenants.services import invitations, members, organisations
from tenants.services.password_links import make_member_link

SUSPEND = {
    "title": "Suspend this member?",
    "description": "Their sessions and API keys open nothing here until you let them in again. Nothing is deleted.",
    "form_submit_text": "Suspend",
}
RESUME = {
    "title": "Let this member in again?",
    "description": "Their role and API keys are as before.",
    "form_submit_text": "Let in",
}
SIGN_OUT = {
    "title": "Sign this member out everywhere?",
    "description": "All of their sessions end. They sign in again with their password; API keys stay.",
    "form_submit_text": "Sign out",
}
PASSWORD_LINK = {
    "title": "Let this member choose a new password?",
    "description": "They get a link by mail, or you copy one if OYL sends no mail. Their present password works until then.",
    "form_submit_text": "Make a link",
}
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
    list_display = ["email", "role_badge", "state", "last_sign_in", "created_at"]
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

    @display(
        description="State",
        ordering="suspended_at",
        label={"Active": "success", "Suspended": "warning", "Switched off": "danger"},
    )
    def state(self, obj: Membership) -> str:
        if not obj.user.is_active:
            return "Switched off"
        return "Suspended" if obj.suspended_at else "Active"

    @display(description="Last sign-in", ordering="user__last_login")
    def last_sign_in(self, obj: Membership) -> Any:
        return obj.user.last_login

    fields = ["user", "role", "state", "last_sign_in"]
    readonly_fields = ["user", "state", "last_sign_in"]
    actions_list = ["invite"]
    actions_detail = ["suspend", "resume", "sign_out", "make_password_link"]

    @action(
        description="Suspend",
        url_path="suspend",
        icon="person_off",
        permissions=["suspend"],
        dialog=SUSPEND,
    )
    @show_domain_errors
    def suspend(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        if membership := self.get_object(request, object_id):
            members.suspend_member(actor=actor_of(request), membership=membership)
            messages.success(request, f"{membership.user} is suspended.")
        return _to_member(request, object_id)

    @action(
        description="Let in again", url_path="resume", icon="person", permissions=["resume"], dialog=RESUME
    )
    @show_domain_errors
    def resume(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        if membership := self.get_object(request, object_id):
            members.resume_member(actor=actor_of(request), membership=membership)
            messages.success(request, f"{membership.user} may sign in again.")
        return _to_member(request, object_id)

    @action(
        description="Sign out everywhere",
        url_path="sign-out",
        icon="logout",
        permissions=["help"],
        dialog=SIGN_OUT,
    )
    @show_domain_errors
    def sign_out(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        if membership := self.get_object(request, object_id):
            members.sign_out_member(actor=actor_of(request), membership=membership)
            messages.success(request, f"{membership.user} is signed out everywhere.")
        return _to_member(request, object_id)

    @action(
        description="New password",
        url_path="password-link",
        icon="lock_reset",
        permissions=["help"],
        dialog=PASSWORD_LINK,
    )
    @show_domain_errors
    def make_password_link(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        membership = self.get_object(request, object_id)
        if membership is None:
            return _to_member(request, object_id)
        link = make_member_link(actor=actor_of(request), membership=membership)
        if link is None:
            messages.success(request, f"A link to choose a password is being mailed to {membership.user}.")
            return _to_member(request, object_id)
        title = f"A link to choose a password, for {membership.user}"
        advice = "OYL sends no mail here: hand it over in a safe way. It works once, within 7 days."
        shown = show_once(self, request, title=title, label="Link", text=link, advice=advice)
        return redirect_or_htmx(request, shown["Location"])

    def has_suspend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_change(request, object_id, is_suspended=False)

    def has_resume_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_change(request, object_id, is_suspended=True)

    def has_help_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_change(request, object_id)

    def _may_change(self, request: HttpRequest, object_id: Any, *, is_suspended: bool | None = None) -> bool:
        """Whether it is another member whom the actor may change, and who is suspended or not, if that is asked."""
        membership = self.get_object(request, str(object_id)) if self.has_write_permission(request) else None
        return (
            membership is not None
            and membership.user_id != actor_of(request).user_id
            and self.has_change_permission(request, membership)
            and is_suspended in (None, bool(membership.suspended_at))
        )

    @action(description="Invite", permissions=["write"])
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


def _to_member(request: HttpRequest, object_id: str) -> HttpResponse:
    return redirect_or_htmx(request, reverse("admin:tenants_membership_change", args=[object_id]))


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
