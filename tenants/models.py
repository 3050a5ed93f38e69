"""Who owns data: tenants, their users and keys; and the base of every tenant's table."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from tenants.encryption import EncryptedJSONField
from tenants.isolation import TenantIsolation, isolated
from tenants.permissions import Bound
from tenants.querysets import AliveManager, TenantManager
from tenants.scope import current_tenant_id


def new_id() -> uuid.UUID:
    """A time-ordered UUIDv7: neighbours in time are neighbours in the index."""
    return uuid7()


class Role(models.TextChoices):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


class Tenant(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=255, unique=True)
    metadata_encrypted = EncryptedJSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "tenants"
        constraints = [TenantIsolation(name="tenants_tenant", column="id")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail. What they may do is decided by their membership of a tenant; a superuser is an
    operator, who may act in any tenant, one at a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=255, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        db_table = "users"

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        """Django's admin asks; OYL's own site asks for a tenant instead (tenants.admin)."""
        return self.is_active


class Index(models.Index):
    """An index under the name that the schema gives it: PostgreSQL allows 63 characters, Django's default 30."""

    max_name_length = 63


class TenantModel(models.Model):
    """Base of every table that belongs to a tenant. Its Meta lists `*isolated(table, *parents)` as constraints."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant,
        models.DO_NOTHING,
        default=current_tenant_id,
        editable=False,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


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


def is_one_of(table: str, field: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    """The database, too, accepts only the enum's values."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": choices.values}), name=f"{table}_{field}_valid"
    )


class Membership(TenantModel):
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "memberships"
        constraints = [
            *isolated("memberships"),
            models.UniqueConstraint(fields=["tenant", "user"], name="memberships_user_key"),
            is_one_of("memberships", "role", Role),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ApiKey(TenantModel):
    """`prefix` is shown, only the SHA-256 of the key is kept. It opens what its scopes name (`tenants.permissions`), and
    of that, when it is bound, only what belongs to one object."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    bound_kind = models.CharField("bound to a", max_length=16, choices=Bound.choices, blank=True)
    bound_id = models.UUIDField("with the id", null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "api_keys"
        constraints = [
            *isolated("api_keys"),
            models.CheckConstraint(
                condition=Q(bound_kind__in=["", *Bound.values]), name="api_keys_bound_kind_valid"
            ),
            models.CheckConstraint(
                condition=Q(bound_kind="", bound_id=None) | ~Q(bound_kind="") & Q(bound_id__isnull=False),
                name="api_keys_bound_whole",
                violation_error_message="Say both what kind of object the key is bound to and its id, or neither.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotencyKey(TenantModel):
    """The answer to a request that a client may repeat, kept in the transaction of its effect. `credential` is the API
    key's prefix or the user's id: what others call alike is another request."""

    credential = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveIntegerField()
    body = models.TextField()

    class Meta(TenantModel.Meta):
        db_table = "idempotency_keys"
        constraints = [
            *isolated("idempotency_keys"),
            models.UniqueConstraint(fields=["tenant", "credential", "key"], name="idempotency_keys_key"),
        ]
        indexes = [Index(fields=["tenant", "created_at"], name="idx_idempotency_keys_created_at")]

    def __str__(self) -> str:
        return self.key
