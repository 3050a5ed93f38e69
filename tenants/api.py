"""The organisation itself, its members and their keys over REST."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api import RecordedReads
from core.api.serializers import TIMES, OylSerializer
from core.api.views import ADMINS, READ, TenantViewSet
from core.permissions import Role, key_scopes
from tenants.models import ApiKey, Invitation, Membership, Tenant
from tenants.revoking import PENDING
from tenants.services import api_keys, invitations, members, organisations


class TenantSerializer(OylSerializer[Tenant]):
    class Meta(OylSerializer.Meta):
        model = Tenant
        fields = ("id", "name", *TIMES)


class OrganisationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, TenantViewSet
):
    """Your own organisation: the one that your key or session acts in."""

    model = Tenant
    area = "organisation"
    http_method_names = ["get", "patch", "head", "options"]
    roles = {**READ, "PATCH": Role.ADMIN}
    serializer_class = TenantSerializer

    def get_queryset(self) -> QuerySet[Any]:
        return Tenant.objects.filter(pk=self.actor.tenant_id)

    def perform_update(self, serializer: Any) -> None:
        for name, value in serializer.validated_data.items():
            setattr(serializer.instance, name, value)
        organisations.update_tenant(actor=self.actor, tenant=serializer.instance)


class MemberSerializer(OylSerializer[Membership]):
    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta(OylSerializer.Meta):
        model = Membership
        fields = ("id", "user", "email", "name", "role", *TIMES)
        fixed = ("user",)


class MemberViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    RecordedReads,
):
    """Who may act in the organisation, and in which role."""

    model = Membership
    read_event = "members.read"
    area = "members"
    http_method_names = ["get", "patch", "delete", "head", "options"]
    roles = ADMINS
    serializer_class = MemberSerializer
    filterset_fields = ["role", "user"]

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("user")

    def perform_update(self, serializer: Any) -> None:
        role = serializer.validated_data.get("role", serializer.instance.role)
        members.set_role(actor=self.actor, membership=serializer.instance, role=Role(role))

    def perform_destroy(self, instance: Membership) -> None:
        members.remove_member(actor=self.actor, membership=instance)


class InvitationSerializer(OylSerializer[Invitation]):
    class Meta(OylSerializer.Meta):
        model = Invitation
        fields = ("id", "email", "role", "by_mail", "mailed_at", "expires_at", "created_at")
        read_only_fields = ("by_mail", "mailed_at", "expires_at")


class NewInvitationSerializer(InvitationSerializer):
    link = serializers.URLField(
        allow_null=True,
        read_only=True,
        help_text="To hand over; shown in this answer, and never again. Null when it is mailed.",
    )

    class Meta(InvitationSerializer.Meta):
        fields: Any = (*InvitationSerializer.Meta.fields, "link")


class InvitationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Invitations that were neither accepted nor revoked. The person opens the link, and decides."""

    model = Invitation
    area = "members"
    roles = ADMINS
    http_method_names = ["get", "post", "delete", "head", "options"]
    serializer_class = InvitationSerializer
    filterset_fields = ["email", "role"]
    shown_once = ("link",)

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(**PENDING)

    @extend_schema(responses={201: NewInvitationSerializer})
    def create(self, request: Request) -> Response:
        """Invite a person. Invited again, they get a new link, and the earlier one stops working."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        role = Role(given.get("role", Role.VIEWER))
        made = invitations.invite(actor=self.actor, email=given["email"], role=role)
        return Response({**self.get_serializer(made.invitation).data, "link": made.link}, status=201)

    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke the invitation: its link stops working."""
        invitations.revoke_invitation(actor=self.actor, invitation=self.get_object())
        return Response(status=204)


class ApiKeySerializer(OylSerializer[ApiKey]):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=key_scopes()), min_length=1, max_length=len(key_scopes())
    )

    class Meta(OylSerializer.Meta):
        model = ApiKey
        fields = (
            "id",
            "name",
            "prefix",
            "user",
            "scopes",
            "bound_kind",
            "bound_id",
            "expires_at",
            "created_at",
            "last_used_at",
            "revoked_at",
        )
        read_only_fields = ("prefix", "user", "last_used_at", "revoked_at")


class NewApiKeySerializer(ApiKeySerializer):
    key = serializers.CharField(
        allow_null=True, read_only=True, help_text="The secret; shown in this answer, and never again."
    )

    class Meta(ApiKeySerializer.Meta):
        fields: Any = (*ApiKeySerializer.Meta.fields, "key")


class ApiKeyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Keys of the API. They are made and revoked, never changed."""

    model = ApiKey
    area = "organisation"
    roles = ADMINS
    http_method_names = ["get", "post", "delete", "head", "options"]
    serializer_class = ApiKeySerializer
    filterset_fields = ["user", "name", "bound_kind", "bound_id"]
    shown_once = ("key",)

    @extend_schema(responses={201: NewApiKeySerializer})
    def create(self, request: Request) -> Response:
        """Make a key for yourself. It is shown in this answer, and never again."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        kind, pk = given.get("bound_kind"), given.get("bound_id")
        if bool(kind) != bool(pk):
            raise serializers.ValidationError({"bound_id": "Give both bound_kind and bound_id, or neither."})
        made = api_keys.create_api_key(
            actor=self.actor,
            name=given["name"],
            scopes=given["scopes"],
            expires_at=given.get("expires_at"),
            bound=(kind, pk) if pk else None,
        )
        return Response({**self.get_serializer(made.api_key).data, "key": made.secret}, status=201)

    @extend_schema(request=None, responses={200: ApiKeySerializer})
    @action(detail=True, methods=["post"], roles={"POST": Role.ADMIN})
    def revoke(self, request: Request, pk: str) -> Response:
        """From now on the key opens nothing; its row stays for the record."""
        api_key = cast(ApiKey, self.get_object())
        api_keys.revoke_api_key(actor=self.actor, api_key=api_key)
        api_key.refresh_from_db()
        return Response(self.get_serializer(api_key).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke the key."""
        api_keys.revoke_api_key(actor=self.actor, api_key=self.get_object())
        return Response(status=204)


ROUTES = {
    "tenants": OrganisationViewSet,
    "members": MemberViewSet,
    "invitations": InvitationViewSet,
    "api-keys": ApiKeyViewSet,
}
