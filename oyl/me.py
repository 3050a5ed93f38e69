"""Who a key or session is, over REST, and what is left of its limits."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.actors import ActorKind
from core.api.views import READ, TenantViewSet
from core.permissions import Role, bound_kind_choices, key_scopes
from core.quota_kinds import QuotaKind
from core.quotas import own_standings, standings
from core.rate_limits import WINDOW, RateLimitResult
from tenants.models import ApiKey, Tenant

KINDS = [str(kind) for kind in (ActorKind.API_KEY, ActorKind.USER, ActorKind.OPERATOR)]


class OrganisationNameSerializer(serializers.ModelSerializer[Tenant]):
    class Meta:
        model = Tenant
        fields = ("id", "name")


class OwnKeySerializer(serializers.ModelSerializer[ApiKey]):
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=key_scopes()))
    bound_kind = serializers.ChoiceField(choices=[("", "Nothing"), *bound_kind_choices()])

    class Meta:
        model = ApiKey
        fields = ("id", "name", "prefix", "scopes", "bound_kind", "bound_id", "expires_at", "created_at")


class RateLimitSerializer(serializers.Serializer[Any]):
    of = serializers.CharField(help_text="`key` or `tenant`.")
    limit = serializers.IntegerField(help_text="Requests in `seconds`.")
    remaining = serializers.IntegerField(help_text="After this request.")
    seconds = serializers.IntegerField()
    resets_in = serializers.IntegerField(help_text="In so many seconds there are more.")


class QuotaStandingSerializer(serializers.Serializer[Any]):
    of = serializers.CharField(source="subject", help_text="`organisation`, `API key` or `member`.")
    kind = serializers.ChoiceField(choices=QuotaKind.values)
    used = serializers.IntegerField()
    limit = serializers.IntegerField(help_text="0 is no limit.")
    resets_at = serializers.DateTimeField(allow_null=True, help_text="Of a quota that is counted by the day.")


@extend_schema_serializer(many=False)
class MeSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=KINDS)
    role = serializers.ChoiceField(choices=Role.choices)
    user = serializers.UUIDField(allow_null=True, help_text="For whom the key acts, or who is signed in.")
    organisation = OrganisationNameSerializer()
    key = OwnKeySerializer(allow_null=True, help_text="Null for a session.")
    rate_limits = RateLimitSerializer(many=True)
    quotas = QuotaStandingSerializer(
        many=True,
        help_text="Of the key and the member, if they have their own; and, unless the key is bound, of the organisation.",
    )


class MeViewSet(TenantViewSet):
    """The key or session that asks. Every key may, whatever its scopes and its binding."""

    model = Tenant
    area = ""
    roles = READ
    bound_by = dict.fromkeys((kind for kind, _ in bound_kind_choices()), ())
    pagination_class = None
    filter_backends = ()

    @extend_schema(responses={200: MeSerializer})
    def list(self, request: Request) -> Response:
        """Get who you are.

        The key with its scopes, binding and end, and what is left of its limits."""
        actor, is_key = self.actor, self.actor.kind is ActorKind.API_KEY
        answer = {
            "kind": actor.kind,
            "role": actor.role,
            "user": actor.user_id,
            "organisation": Tenant.objects.get(pk=actor.tenant_id),
            "key": ApiKey.objects.get(prefix=actor.credential) if is_key else None,
            "rate_limits": _rate_limits(getattr(request._request, "rate_limits", RateLimitResult())),
            "quotas": [*own_standings(actor), *(() if actor.bound else standings())],
        }
        return Response(MeSerializer(answer).data)


def _rate_limits(result: RateLimitResult) -> list[dict[str, Any]]:
    return [
        {
            "of": state.quota.name,
            "limit": state.quota.amount,
            "remaining": state.remaining,
            "seconds": WINDOW,
            "resets_in": state.reset,
        }
        for state in result.states
    ]
