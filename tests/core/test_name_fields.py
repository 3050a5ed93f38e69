"""The names of objects, and names that look alike."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management.base import CommandError
from django.db import models

from core.apps import oyl_apps
from core.errors import InvalidError
from core.look_alikes import look_alike
from core.models import TenantModel
from core.name_fields import AddressField, FileNameField, NameField, TagField
from core.names import printable
from tests.conftest import Person
from tests.support.api_client import make_caller
from tests.tenants.commands import output

APPS = {config.name for config in oyl_apps()}
FIELDS = {
    f"{model._meta.model_name}.{field.name}": (model, field)
    for model in apps.get_models()
    if model.__module__.partition(".")[0] in APPS
    for field in model._meta.concrete_fields
    if isinstance(field, models.CharField) and not field.choices
}
RULES = (NameField, AddressField, TagField, FileNameField)
# What is no name: OYL writes it, or it is checked in another way.
NO_NAMES = {
    *(
        "idempotencykey.credential",
        "idempotencykey.key",
        "idempotencykey.fingerprint",
    ),  # keys: printable ASCII
    *("quotalimit.credential", "quotause.credential", "apikey.prefix", "apikey.key_hash"),
    *("passwordhash.encoded", "invitation.token_hash", "auditseal.seal", "auditlog.digest"),
    *("auditlog.action", "auditlog.object_type", "platformevent.action", "platformevent.object_type"),
    *("knowledgebase.vector_db_id", "reference.embedding_model", "embedding.model", "embedding.vector_ref"),
    *("document.file_path", "document.mime_type", "document.sha256", "chunk.content_sha256"),
    *("storedfile.file_path", "storedfile.purpose", "fileupload.purpose", "uploadpart.file_path"),
    *("chunk.language", "reembedding.from_model", "reembedding.to_model", "reembedding.error_code"),
    *("bulkchange.error_code", "savedview.list", "savedview.query"),
    *("document.error_code", "ingestionjob.error_code", "workflowrun.error_code", "steprun.error_code"),
    *("triggerevent.error_code", "webhookdelivery.error_code", "webhookattempt.error_code"),
    *("webhooksubscription.host", "webhookdelivery.type"),
    *("connectoritem.version", "connectoritem.error_code", "connectorrun.error_code"),
    *("datasource.file_path", "dataimport.source_path", "dataimport.stage", "dataimport.error_code"),
    *(
        "workflowrun.idempotency_key",
        "workflowrun.step_key",
        "steprun.key",
        "steprun.signal",
        "runsignal.name",
    ),
    *("workflowstep.key", "triggerevent.key"),
    *("tagrule.pattern", "tagrule.switched_off"),
    *("conversation.owner", "feedback.owner", "message.error_code", "message.model"),
    *("message.currency", "modelprice.currency"),
}
HOSTILE = ("a\nb", "a\x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b", "a\u3164b", "a\U000e0041b", "a\x00b")


def test_every_short_text_is_a_name_or_declared_to_be_none():
    named = {label for label, (_, field) in FIELDS.items() if isinstance(field, RULES)}
    assert named | NO_NAMES == set(FIELDS) and not named & NO_NAMES


@pytest.mark.parametrize("label", sorted(set(FIELDS) - NO_NAMES))
def test_every_name_is_refused_or_saved_in_a_printable_form(label: str):
    model, field = FIELDS[label]
    known = {"tenant_id": uuid4()} if issubclass(model, TenantModel) else {}
    for name in HOSTILE:
        row = model(**known, **{field.name: name})
        if isinstance(field, NameField | AddressField):
            with pytest.raises(InvalidError):
                field.pre_save(row, True)
        else:
            saved = field.pre_save(row, True)
            assert saved == getattr(row, field.name) and saved != name and printable(saved) == saved
    ordinary = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert field.pre_save(model(**known, **{field.name: ordinary}), True) == ordinary


@pytest.mark.parametrize("label", [label for label in FIELDS if isinstance(FIELDS[label][1], NameField)])
def test_every_name_of_an_object_is_no_id_and_in_one_form(label: str):
    model, field = FIELDS[label]
    known = {"tenant_id": uuid4()} if issubclass(model, TenantModel) else {}
    for name in (str(uuid4()), f"{{{uuid4()}}}"):
        with pytest.raises(InvalidError):
            field.pre_save(model(**known, **{field.name: name}), True)
    odd = {field.name: " \uff21da \ufb01rm "}
    assert field.pre_save(model(**known, **odd), True) == "Ada firm"


@pytest.mark.parametrize(
    "address", ["ceo@be\u200bta.example", "ceo@be\u202eta.example", "ceo@be\u3164ta.example"]
)
def test_no_address_has_invisible_characters(owner: Person, address: str):
    answer = make_caller(owner)("post", "invitations/", {"email": address, "role": "viewer"})
    assert answer.status_code == 422, answer.content
    with pytest.raises(CommandError):
        output("create_operator", address)


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
