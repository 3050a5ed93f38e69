"""Foreign keys inside a tenant. They declare their own constraints: a new tenant table only names its parents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models

from core.isolation.constraints import SameTenant, TenantIsolation
from core.isolation.scope import current_tenant_id

if TYPE_CHECKING:
    _Field = models.ForeignKey[Any, Any]
else:
    _Field = object


class NamedIndex(models.Index):
    """An index with a name of up to 63 characters, as PostgreSQL allows; Django's limit is 30."""

    max_name_length = 63


class _DatabaseKey(_Field):
    """A foreign key that PostgreSQL enforces by constraints of the model's Meta. In migrations it is a plain
    Django key without a constraint, next to these."""

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, private_only, **kwargs)
        if not cls._meta.abstract:
            _add_to_meta(cls._meta, "constraints", self.constraints(cls._meta))
            _add_to_meta(cls._meta, "indexes", self.indexes(cls._meta))

    def constraints(self, options: Any) -> list[Any]:
        raise NotImplementedError

    def indexes(self, options: Any) -> list[models.Index]:
        return []

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        kind = "OneToOneField" if self.one_to_one else "ForeignKey"
        return name, f"django.db.models.{kind}", args, kwargs


def _add_to_meta(options: Any, kind: str, new: Iterable[Any]) -> None:
    """Migrations read `original_attrs` to see which options a model has."""
    present = getattr(options, kind)
    names = {one.name for one in present}
    present.extend(one for one in new if one.name not in names)
    if present:
        options.original_attrs.setdefault(kind, present)


class TenantField(_DatabaseKey, models.ForeignKey):  # type: ignore[type-arg]
    """The tenant that a row belongs to: row-level security, a foreign key, and the unique key that composite foreign keys
    refer to."""

    def __init__(self, **kwargs: Any) -> None:
        key = {
            "to": "tenants.Tenant",
            "on_delete": models.DO_NOTHING,
            "db_constraint": False,
            "db_index": False,
        }
        other = {"default": current_tenant_id, "editable": False, "related_name": "+"}
        super().__init__(**{**kwargs, **key, **other})

    def constraints(self, options: Any) -> list[Any]:
        table = options.db_table
        return [
            TenantIsolation(name=f"{table}_tenant"),
            models.UniqueConstraint(fields=["tenant", "id"], name=f"{table}_tenant_id_key"),
        ]


class _ParentKey(_DatabaseKey):
    """A parent of the same tenant: the composite foreign key `(tenant_id, parent_id)`, because a plain one accepts another
    tenant's id, and an index, unless one of the model's own indexes serves the key.

    `on_delete` is PostgreSQL's: CASCADE, RESTRICT or SET NULL. `also` names further columns that child and parent share.
    """

    def __init__(
        self, to: Any, on_delete: Any = "CASCADE", *, also: tuple[str, ...] = (), **kwargs: Any
    ) -> None:
        # When Django copies a field, `on_delete` is one of Django's functions.
        self.database_action, self.also = on_delete if isinstance(on_delete, str) else "CASCADE", also
        kwargs = {**kwargs, "db_constraint": False, "db_index": False}
        super().__init__(to, models.DO_NOTHING, **kwargs)

    def constraints(self, options: Any) -> list[Any]:
        name = f"{options.db_table}_{self.name}_same_tenant"
        return [SameTenant(self.name, name=name, on_delete=self.database_action, also=self.also)]

    def indexes(self, options: Any) -> list[models.Index]:
        if self.unique or any(self._serves_lookup(one) for one in (*options.constraints, *options.indexes)):
            return []
        return [NamedIndex(fields=[self.name], name=f"idx_{options.db_table}_{self.column}")]

    def _serves_lookup(self, index: Any) -> bool:
        """Whether an index or a unique constraint serves a lookup by this key."""
        fields = [name for name in getattr(index, "fields", ()) if name != "tenant"]
        return fields[:1] == [self.name] and getattr(index, "condition", None) is None


class TenantForeignKey(_ParentKey, models.ForeignKey):  # type: ignore[type-arg]
    __doc__ = _ParentKey.__doc__


class TenantOneToOneField(_ParentKey, models.OneToOneField):  # type: ignore[type-arg]
    """As TenantForeignKey; each parent has one child at most."""
