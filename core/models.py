"""The base of every tenant's table, and the tables of idempotency keys and quotas."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from core.isolation.fields import NamedIndex, TenantField
from core.limits import Limit, check_limit
from core.querysets import AliveManager, TenantManager
from core.quota_kinds import STORED, QuotaKind


def new_id() -> uuid.UUID:
    """A UUIDv7, which is ordered by time: consecutive rows are neighbours in the index."""
    return uuid7()


class TenantModel(models.Model):
    """Base of every table that belongs to a tenant; parents inside the tenant are `TenantForeignKey`s."""

    # At most so many rows with the same parent.
    limit: ClassVar[Limit | None] = None

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = TenantField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises LimitReachedError for a new row beyond the model's limit."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        if is_new and self.limit:
            check_limit(type(self), {self.limit.parent_of(self)})

    @property
    def owning_workspace_id(self) -> uuid.UUID | None:
        """The workspace that the row belongs to directly, and that its audit events name."""
        return getattr(self, "workspace_id", None)


class SoftDeleteModel(TenantModel):
    """`objects` has the rows that are not deleted, `with_deleted` all of them. Rows that are `part_of` others, by the
    foreign key of that name, are deleted with these by the `on_deletion` of the app."""

    part_of: ClassVar[str] = ""

    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[AliveManager[Any]] = AliveManager()
    with_deleted: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "with_deleted"
        default_manager_name = "objects"


class UniqueField(models.UniqueConstraint):
    """Its violation is an error of the last field, with the code `taken`. Django's own is of no field if there is a
    condition."""

    def validate(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().validate(*args, **kwargs)
        except ValidationError as error:
            taken = ValidationError(error.messages[0], code="taken")
            raise ValidationError({self.fields[-1]: taken}) from error

    def deconstruct(self) -> Any:
        _, arguments, options = super().deconstruct()
        return "django.db.models.UniqueConstraint", arguments, options


def unique_alive(table: str, *fields: str) -> models.UniqueConstraint:
    """Unique among the rows that are not soft-deleted."""
    return UniqueField(
        fields=list(fields),
        condition=Q(deleted_at__isnull=True),
        name=f"{table}_{fields[-1]}_alive_key",
        violation_error_message=f"There is one of this {fields[-1]} already.",
    )


def one_of(table: str, field: str, values: Iterable[str]) -> models.CheckConstraint:
    """Let the database accept only the enum's values."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": [str(value) for value in values]}), name=f"{table}_{field}_valid"
    )


class IdempotencyKey(TenantModel):
    """A request that a client may repeat, and its response when it has ended. `credential` is the API key's prefix or the
    user's id: the same key sent with another credential is another request. Of an answer that is too long, `body` only has
    the id of the object, and `is_kept` is false."""

    credential = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveIntegerField(default=0)
    body = models.TextField(default="")
    is_kept = models.BooleanField(default=True)
    is_stream = models.BooleanField(default=False)
    is_complete = models.BooleanField(default=False)
    expires_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        db_table = "idempotency_keys"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "credential", "key"], name="idempotency_keys_key"),
        ]
        indexes = [NamedIndex(fields=["tenant", "expires_at"], name="idx_idempotency_keys_expires_at")]

    def __str__(self) -> str:
        return self.key


class QuotaLimit(TenantModel):
    """How much of a kind the tenant may store, or use in a day; or one of its workspaces, the API key with the prefix
    `credential`, or the member `user_id`. 0 is no limit. The ids are plain ones, because `core` knows neither workspaces
    nor users."""

    kind = models.CharField(max_length=32, choices=QuotaKind.choices)
    workspace_id = models.UUIDField(null=True, blank=True)
    credential = models.CharField("API key", max_length=16, blank=True)
    user_id = models.UUIDField("member", null=True, blank=True)
    amount = models.PositiveBigIntegerField(help_text="0 is no limit.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        verbose_name = "quota"
        db_table = "quota_limits"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "workspace_id", "credential", "user_id"],
                name="quota_limits_subject_key",
                nulls_distinct=False,
                violation_error_message="There is such a quota already: change that.",
            ),
            models.CheckConstraint(
                condition=Q(workspace_id=None, credential="")
                | Q(workspace_id=None, user_id=None)
                | Q(credential="", user_id=None),
                name="quota_limits_one_subject",
                violation_error_message="Choose a workspace, an API key or a member, only one of them.",
            ),
            one_of("quota_limits", "kind", QuotaKind),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.amount:,}"


class QuotaUse(TenantModel):
    """An amount that was stored (on the day `STORED`) or deleted (negative), or was used on a day, by the member `user_id`
    and the API key with the prefix `credential`, if there are such. Rows that differ in nothing else are added up
    (`core.quota_upkeep`)."""

    kind = models.CharField(max_length=32, choices=QuotaKind.choices)
    day = models.DateField(default=STORED)
    workspace_id = models.UUIDField(null=True)
    credential = models.CharField(max_length=16, blank=True)
    user_id = models.UUIDField(null=True)
    amount = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        db_table = "quota_uses"
        constraints = [one_of("quota_uses", "kind", QuotaKind)]
        indexes = [NamedIndex(fields=["tenant", "kind", "day"], name="idx_quota_uses_tenant_kind_day")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.day}: {self.amount:,}"


class StoredAmount(TenantModel):
    """How much of a kind the tenant had stored at the end of a day; that of today is what it has now. `core.quota_upkeep`
    writes it."""

    kind = models.CharField(max_length=32, choices=QuotaKind.choices)
    day = models.DateField()
    amount = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        db_table = "stored_amounts"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind", "day"], name="stored_amounts_day_key"),
            one_of("stored_amounts", "kind", QuotaKind),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.day}: {self.amount:,}"
