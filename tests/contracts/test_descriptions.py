"""Every field and parameter of the API is described."""

from __future__ import annotations

from typing import Any

import pytest

from core.api.schema.descriptions import FIELDS, is_described
from oyl.openapi import document

SCHEMAS: dict[str, Any] = document()["components"]["schemas"]


@pytest.mark.parametrize("component", sorted(SCHEMAS))
def test_every_field_is_described(component: str):
    properties = SCHEMAS[component].get("properties", {})
    assert [name for name, schema in properties.items() if not is_described(schema)] == []


def test_every_parameter_is_described():
    operations = [one for path in document()["paths"].values() for one in path.values()]
    lacking = [
        (operation["operationId"], parameter["name"])
        for operation in operations
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert lacking == []


def test_no_description_is_of_a_field_that_is_gone():
    names = {
        key
        for component, schema in SCHEMAS.items()
        for field in schema.get("properties", {})
        for key in (field, f"{component.removeprefix('Patched').removesuffix('Request')}.{field}")
    }
    assert set(FIELDS) - names == set()
