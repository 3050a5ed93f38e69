"""The base of every tenant's table, and the table of idempotency keys."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from core.isolation.fields import NamedIndex, TenantField
from core.limits import Limit, check_limit
from core.querysets import AliveManager, TenantManager


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
    """`objects` has the rows that are not deleted, `with_deleted` all of them."""

    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[AliveManager[Any]] = AliveManager()
    with_deleted: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "with_deleted"
        default_manager_name = "objects"


def unique_alive(table: str, *fields: str) -> models.UniqueConstraint:
    """Unique among the rows that are not soft-deleted."""
    return models.UniqueConstraint(
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
