"""Tenants, users, memberships, invitations and API keys."""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Least
from django.utils.crypto import salted_hmac

from core.encryption.fields import EncryptedJSONField
from core.isolation.constraints import TenantIsolation
from core.isolation.fields import NamedIndex, TenantForeignKey
from core.limits import Limit
from core.models import TenantModel, new_id, one_of
from core.name_fields import AddressField, NameField
from core.permissions import Role, bound_kind_choices
from tenants import passwords
from tenants.apps import CHANGEABLE


class Tenant(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = NameField(max_length=255)
    metadata_encrypted = EncryptedJSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "organisation"
        db_table = "tenants"
        constraints = [TenantIsolation(name="tenants_tenant", column="id")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Without a password, the user cannot sign in until one is set."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Only with `db_manager("owner")`: PostgreSQL lets the application's role make no operators."""
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail. What they may do is decided by their membership of a tenant; a superuser is an
    operator, who may act in any tenant, one at a time."""

    _new_hash: str | None = None
    password_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    sessions_ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = AddressField(unique=True)
    name = NameField(max_length=255, blank=True)
    is_active = models.BooleanField(default=True)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
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

    def set_password(self, raw_password: str | None) -> None:
        """Hash it. `save` stores the hash, and thereby ends the user's sessions. Raises PasswordsBusyError."""
        self._new_hash = raw_password and passwords.hash_password(raw_password)

    def set_unusable_password(self) -> None:
        """`save` ends the present password, and the user's sessions."""
        self._new_hash = make_password(None)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Of a user who exists, only the columns that the application's role may change."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            kwargs["update_fields"] = CHANGEABLE
        with transaction.atomic(using=kwargs.get("using") or self._state.db):
            super().save(*args, **kwargs)
            if self._new_hash:
                self.password_changed_at = passwords.store(self.pk, self._new_hash, using=self._state.db)
        self._new_hash = None

    def check_password(self, raw_password: str | None) -> bool:
        return raw_password is not None and passwords.matches(self.pk, raw_password)

    @property
    def password(self) -> str:  # type: ignore[override]
        """Not the hash, which `PasswordHash` has, but when it was changed: sessions and links end when this changes."""
        return self.password_changed_at.astimezone(UTC).isoformat() if self.password_changed_at else ""

    def get_session_auth_hash(self) -> str:
        """Sessions end when this changes."""
        ended = self.sessions_ended_at.astimezone(UTC).isoformat() if self.sessions_ended_at else ""
        return salted_hmac(
            "tenants.models.User.session", self.password + ended, algorithm="sha256"
        ).hexdigest()

    @property
    def is_staff(self) -> bool:
        """Required by Django's admin; OYL's admin site requires a tenant instead."""
        return self.is_active


class PasswordHash(models.Model):
    """Closed to the application's role: only the functions in `tenants.passwords` reach it."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="+")
    encoded = models.CharField(max_length=256)

    class Meta:
        db_table = "password_hashes"

    def __str__(self) -> str:
        return str(self.user_id)


class Membership(TenantModel):
    """The right to act in a tenant, also by API keys, unless it is suspended."""

    limit = Limit(1000, remedy="Remove some of them first.")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    last_entered_at = models.DateTimeField(null=True, blank=True, editable=False)
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        verbose_name = "member"
        db_table = "memberships"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="memberships_user_key"),
            one_of("memberships", "role", Role),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class SavedView(TenantModel):
    """A list of the admin as a member has set it: its address's `query` has the filters, the search, the order and the
    columns. All members see one that is shared. It goes with the member."""

    limit = Limit(200, "membership")

    membership = TenantForeignKey(Membership, related_name="saved_views")
    list = models.CharField(max_length=100)
    name = NameField(max_length=100)
    query = models.CharField(max_length=4000, blank=True)
    is_shared = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        db_table = "saved_views"
        constraints = [
            models.UniqueConstraint(fields=["membership", "list", "name"], name="saved_views_name_key"),
        ]
        indexes = [NamedIndex(fields=["tenant", "list"], name="idx_saved_views_tenant_list")]

    def __str__(self) -> str:
        return str(self.name)


class ApiKey(TenantModel):
    """Only `prefix` and the SHA-256 of the key are stored. A key allows what its scopes name (`core.permissions`); a bound
    key, only what belongs to one object. One that was `made_by` a key ends with it at the latest, and makes none itself."""

    limit = Limit(10_000, ends=Least("revoked_at", "expires_at"), remedy="Revoke some of them first.")

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    made_by = TenantForeignKey("self", null=True, editable=False, related_name="+")
    name = NameField(max_length=255)
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    bound_kind = models.CharField("bound to a", max_length=16, choices=bound_kind_choices, blank=True)
    bound_id = models.UUIDField("with the id", null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        verbose_name = "API key"
        db_table = "api_keys"
        constraints = [
            models.CheckConstraint(
                condition=Q(bound_kind="", bound_id=None) | ~Q(bound_kind="") & Q(bound_id__isnull=False),
                name="api_keys_bound_whole",
                violation_error_message="Say both what kind of object the key is bound to and its id, or neither.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Invitation(TenantModel):
    """A link by which a person becomes a member. Only the SHA-256 of its token is stored. It is pending until it is accepted
    or revoked, and works while those who made it may invite: the person `invited_by`, and the key `made_by`, if any. A link
    that went `by_mail` was shown to nobody in the tenant, so that it proves who owns the address."""

    limit = Limit(
        10_000, ends=Least("accepted_at", "revoked_at", "expires_at"), remedy="Revoke some of them first."
    )

    email = AddressField("e-mail")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, editable=False, related_name="+")
    made_by = TenantForeignKey(ApiKey, null=True, editable=False, related_name="+")
    by_mail = models.BooleanField(default=False, editable=False)
    mailed_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantModel.Meta):
        db_table = "invitations"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitations_email_pending_key",
            ),
            one_of("invitations", "role", Role),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"
