"""The isolation of a tenant's table in PostgreSQL, declared as constraints of its model, so that Django's migrations add,
change and remove it, and `makemigrations --check` notices when one is missing.

A superuser, or a role with BYPASSRLS, would bypass all of it: `core.isolation.scope.refuse_unsafe_role`.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.constraints import BaseConstraint

from core.isolation.scope import VARIABLE

# Wrapped in a SELECT, the setting is read once a statement and not once a row. After a finished SET LOCAL the
# variable is '' and not NULL, which no uuid equals.
POLICY = f"{{column}} = (SELECT NULLIF(current_setting('{VARIABLE}', true), '')::uuid)"


class _SqlConstraint(BaseConstraint):
    """A constraint with statements of its own, which run at the end of its migration, when all tables exist."""

    def statements(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
        raise NotImplementedError

    def constraint_sql(self, model: Any, schema_editor: Any) -> None:  # type: ignore[override]
        self.create_sql(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> None:  # type: ignore[override]
        schema_editor.deferred_sql.append(self.statements(model, schema_editor))

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: Any = None) -> None:
        """Only the database can check it: the other tenants' rows are not visible here."""


class TenantIsolation(_SqlConstraint):
    """The table's rows belong to the tenant in `column`: foreign key, row-level security, forced, one policy."""

    def __init__(self, *, name: str, column: str = "tenant_id") -> None:
        self.column = column
        super().__init__(name=name)

    def statements(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
        table = _table(model, schema_editor)
        policy = POLICY.format(column=self.column)
        foreign_key = (
            f"ALTER TABLE {table} ADD CONSTRAINT {self.name} FOREIGN KEY (tenant_id) "
            "REFERENCES tenants (id) ON DELETE CASCADE;"
        )
        return (
            f"{foreign_key if self.column == 'tenant_id' else ''}"
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
            f"CREATE POLICY tenant_isolation ON {table} USING ({policy}) WITH CHECK ({policy})"
        )

    def remove_sql(self, model: type[models.Model] | None, schema_editor: Any) -> str:
        table = _table(model, schema_editor)
        return (
            f"DROP POLICY tenant_isolation ON {table};"
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;"
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {self.name}"
        )

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "column": self.column}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TenantIsolation) and self.deconstruct() == other.deconstruct()

    __hash__ = None  # type: ignore[assignment]


class SameTenant(_SqlConstraint):
    """A composite foreign key `(tenant_id, parent_id)`: a plain one accepts another tenant's id.

    `also` names further columns that child and parent must share. `on_delete` is PostgreSQL's: CASCADE, RESTRICT or
    SET NULL (which clears the parent's id alone).
    """

    def __init__(
        self, field: str, *, name: str, on_delete: str = "CASCADE", also: tuple[str, ...] = ()
    ) -> None:
        self.field, self.on_delete, self.also = field, on_delete, tuple(also)
        super().__init__(name=name)

    def statements(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
        field: Any = model._meta.get_field(self.field)
        parent = schema_editor.quote_name(field.related_model._meta.db_table)
        shared = ", ".join(("tenant_id", *self.also))
        action = f"SET NULL ({field.column})" if self.on_delete == "SET NULL" else self.on_delete
        return (
            f"ALTER TABLE {_table(model, schema_editor)} ADD CONSTRAINT {self.name} "
            f"FOREIGN KEY ({shared}, {field.column}) REFERENCES {parent} ({shared}, id) ON DELETE {action}"
        )

    def remove_sql(self, model: type[models.Model] | None, schema_editor: Any) -> str:
        return f"ALTER TABLE {_table(model, schema_editor)} DROP CONSTRAINT {self.name}"

    def deconstruct(self) -> Any:
        path, _, kwargs = super().deconstruct()
        return path, (self.field,), {**kwargs, "on_delete": self.on_delete, "also": self.also}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameTenant) and self.deconstruct() == other.deconstruct()

    __hash__ = None  # type: ignore[assignment]


def _table(model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor) -> str:
    assert model is not None
    return schema_editor.quote_name(model._meta.db_table)
