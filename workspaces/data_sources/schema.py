"""What a data source says of its columns, as JSON. Descriptions and units are people's, and stay through imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.json_values import JSON_LENGTH, json_text, storable
from engines.tables import Loaded
from workspaces.data_sources.errors import ColumnUnknownError

DESCRIBED = ("description", "unit")
MAX_DESCRIPTION = 500


def schema_of(loaded: Loaded, before: Sequence[Any]) -> list[dict[str, Any]]:
    """The columns of an import. Examples are left out where there is no room for them."""
    known = {one["name"]: one for one in before if isinstance(one, dict) and "name" in one}
    columns = [
        {
            "name": column.name,
            "type": column.type,
            "nullable": column.nullable,
            **{key: known.get(column.name, {}).get(key, "") for key in DESCRIBED},
            "example": storable(column.example),
        }
        for column in loaded.columns
    ]
    if len(json_text(columns)) > JSON_LENGTH:
        columns = [{**column, "example": None} for column in columns]
    return columns


def profile_of(loaded: Loaded) -> list[dict[str, Any]]:
    return [storable(asdict(column)) for column in loaded.profile]


def described(schema: Sequence[dict[str, Any]], given: Sequence[Any]) -> list[dict[str, Any]]:
    """The schema with the descriptions and units that are given by the columns' names. Raises ColumnUnknownError."""
    names = {column["name"] for column in schema}
    by_name: dict[str, dict[str, Any]] = {}
    for one in given:
        name = str(one.get("name")) if isinstance(one, dict) else ""
        if name not in names:
            raise ColumnUnknownError(f"There is no column '{name}'. There are: {', '.join(sorted(names))}.")
        by_name[name] = one
    return [
        {
            **column,
            **{
                key: str(by_name[column["name"]].get(key) or "")[:MAX_DESCRIPTION]
                for key in DESCRIBED
                if key in by_name.get(column["name"], {})
            },
        }
        for column in schema
    ]


def in_words(name: str, schema: Sequence[Any], profile: Sequence[Any], *, description: str = "") -> str:
    """The data source as a model reads it."""
    known = {one["name"]: one for one in profile if isinstance(one, dict)}
    lines = [f'Table "{name}"{f": {description}" if description else ""}']
    for column in (one for one in schema if isinstance(one, dict) and "name" in one):
        found = known.get(column["name"], {})
        frequent = ", ".join(repr(value) for value, _ in found.get("frequent", [])[:5])
        facts = [
            str(column.get("type", "")),
            str(column.get("description") or ""),
            f"unit {column['unit']}" if column.get("unit") else "",
            f"from {found['least']!r} to {found['greatest']!r}" if found.get("least") is not None else "",
            f"frequent: {frequent}" if frequent else "",
        ]
        lines.append(f'- "{column["name"]}": {"; ".join(filter(None, facts))}')
    return "\n".join(lines)
