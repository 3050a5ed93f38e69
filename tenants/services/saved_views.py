"""Views of the admin's lists that members have saved."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q

from audit.services import save_audited, soft_delete_audited
from core.actors import Actor
from core.errors import InvalidError, NotFoundError
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.models import Membership, SavedView


def saved_views(user_id: UUID | None, of_list: str) -> list[SavedView]:
    """Inside a scope: the user's own views of a list, and those that others share."""
    rows = SavedView.objects.filter(Q(membership__user=user_id) | Q(is_shared=True), list=of_list)
    return [*rows.select_related("membership__user").order_by("name", "created_at")]


def save_view(*, actor: Actor, of_list: str, name: str, query: str, is_shared: bool) -> SavedView:
    """In place of the actor's own view of this name, if there is one. Raises InvalidError, and ForbiddenError for one that
    is shared by a member below editor."""
    if is_shared:
        actor.require(Role.EDITOR)
    with tenant_scope(actor.tenant_id):
        member = Membership.objects.filter(user=actor.user_id).first()
        if member is None:
            raise InvalidError("Views are saved by members. You are a guest of this organisation.")
        own = SavedView.objects.filter(membership=member, list=of_list, name=name).first()
        view: SavedView = own or SavedView(membership=member, list=of_list, name=name)
        view.query, view.is_shared = query, is_shared
        try:
            view.full_clean()
        except ValidationError as error:
            raise InvalidError(" ".join(error.messages)) from error
        save_audited(actor=actor, instance=view, role=Role.VIEWER)
    return view


def delete_view(*, actor: Actor, view: UUID) -> None:
    """Administrators also delete what others share. Raises NotFoundError."""
    with tenant_scope(actor.tenant_id):
        rows = Q(membership__user=actor.user_id)
        if actor.role.rank >= Role.ADMIN.rank:
            rows |= Q(is_shared=True)
        found = SavedView.objects.filter(rows, pk=view).first()
        if found is None:
            raise NotFoundError("There is no such view any more, or it belongs to another member.")
        soft_delete_audited(actor=actor, instances=[found], role=Role.VIEWER)
