"""The names of objects, and names that look alike."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import models

from core.errors import InvalidError
from core.look_alikes import look_alike
from core.models import TenantModel
from core.name_fields import NameField

NAMED = [
    model
    for model in apps.get_models()
    if model.__module__.partition(".")[0] in {"tenants", "workspaces", "assistants", "knowledge", "workflows"}
    and any(field.name == "name" for field in model._meta.concrete_fields)
]


@pytest.mark.parametrize("model", NAMED, ids=lambda model: model._meta.label)
def test_every_name_follows_the_rule(model: type[models.Model]):
    field = model._meta.get_field("name")
    assert isinstance(field, NameField)
    known = {"tenant_id": uuid4()} if issubclass(model, TenantModel) else {}
    for name in (str(uuid4()), f"{{{uuid4()}}}", "a\nb", "a\x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b"):
        with pytest.raises(InvalidError):
            field.pre_save(model(**known, name=name), True)
    assert field.pre_save(model(**known, name=" \uff21da \ufb01rm "), True) == "Ada firm"


def test_names_that_look_alike():
    beta = "Beta"
    for other in (
        "BETA",
        " b e t a",
        "Bet\u0430",
        "\u0392eta",
        "\u0412\u0415\u0422\u0410",
        "\uff22eta",
        "B\u0435ta",
    ):
        assert look_alike(beta, other), other
    assert (
        look_alike("Illinois", "lllinois") and look_alike("Modern", "Modem") and look_alike("0sram", "Osram")
    )
    for other in ("Alpha", "Beta 2", "B\u00eata", "Betta"):
        assert not look_alike(beta, other), other
