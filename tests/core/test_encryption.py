"""Encrypted fields: a value is bound to its row and field, is not displayed, and is refused if anything is wrong with it."""

import json
import pickle
from base64 import b64encode

import pytest
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.forms import model_to_dict, modelform_factory
from django.test import override_settings

from core.encryption.fields import (
    Envelope,
    Secret,
    SecretMovedError,
    SecretUnreadableError,
    SecretUpdateError,
)
from core.encryption.keyring import ciphers
from core.isolation.scope import tenant_scope
from tenants.models import Tenant
from tests.core.keys import KEY_1, KEY_2
from workspaces.models import IntegrationConfig, IntegrationType, Workspace

TABLE, FIELD = "integration_configs", "config_encrypted_json"
CANARY = "canary-7f3a91"
VALUE = {"api_key": CANARY, "retries": 3, "ü": [None, True]}


@pytest.fixture
def workspace(tenant):
    with tenant_scope(tenant):
        yield Workspace.objects.create(name="Main")


def make(workspace, name="one", value=VALUE):
    return IntegrationConfig(
        workspace=workspace, name=name, type_enum=IntegrationType.WEBHOOK, config_encrypted_json=value
    )


def saved(workspace, name="one", value=VALUE):
    made = make(workspace, name, value)
    made.save()
    return made


def reload(config):
    return IntegrationConfig.objects.get(pk=config.pk)


def raw(config):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT config_encrypted_json::text FROM integration_configs WHERE id = %s", [config.pk]
        )
        return cursor.fetchone()[0]


def write_raw(config, text):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integration_configs SET config_encrypted_json = %s::jsonb WHERE id = %s",
            [text, config.pk],
        )


def test_saved_secret_is_stored_as_an_envelope(workspace):
    config = saved(workspace)
    assert config.config_encrypted_json.decrypt() == VALUE
    assert reload(config).config_encrypted_json.decrypt() == VALUE
    envelope = json.loads(raw(config))
    assert (envelope["v"], envelope["k"], sorted(envelope)) == (1, next(iter(ciphers())), ["c", "k", "v"])
    assert CANARY not in raw(config)


def test_equal_values_have_different_ciphertexts(workspace):
    assert raw(saved(workspace, "one")) != raw(saved(workspace, "two"))


@pytest.mark.parametrize("value", [{}, [], "", 0, False, "text"])
def test_any_json_value_except_null_is_encrypted(workspace, value):
    assert reload(saved(workspace, value=value)).config_encrypted_json.decrypt() == value


def test_none_is_stored_as_null(workspace):
    config = saved(workspace, value=None)
    assert raw(config) is None
    assert reload(config).config_encrypted_json is None


def test_update_fields_bulk_create_and_deferred_loading_work(workspace):
    config = saved(workspace)
    config.config_encrypted_json = "new"
    config.save(update_fields=["config_encrypted_json"])
    only = IntegrationConfig.objects.only("config_encrypted_json").get(pk=config.pk)
    assert only.config_encrypted_json.decrypt() == "new"
    assert IntegrationConfig.objects.defer("config_encrypted_json").get(pk=config.pk).config_encrypted_json
    IntegrationConfig.objects.bulk_create([make(workspace, f"bulk {n}", n) for n in range(3)])
    bulk = IntegrationConfig.objects.filter(name__startswith="bulk").order_by("name")
    assert [each.config_encrypted_json.decrypt() for each in bulk] == [0, 1, 2]


def test_saving_without_a_change_keeps_the_ciphertext(workspace):
    config = saved(workspace)
    before = raw(config)
    reload(config).save()
    assert raw(config) == before


def test_copied_object_is_encrypted_again(workspace):
    config = saved(workspace)
    copy = reload(config)
    copy.pk, copy._state.adding, copy.name = None, True, "copy"
    copy.save()
    assert copy.pk != config.pk
    assert reload(copy).config_encrypted_json.decrypt() == VALUE
    other = make(workspace, "assigned", config.config_encrypted_json)
    other.save()
    assert reload(other).config_encrypted_json.decrypt() == VALUE


@pytest.mark.parametrize("value", [VALUE, "text", 1])
def test_update_refuses_a_plaintext(workspace, value):
    config = saved(workspace)
    with pytest.raises(SecretUpdateError, match="assign it to each object"), transaction.atomic():
        IntegrationConfig.objects.update(config_encrypted_json=value)
    assert reload(config).config_encrypted_json.decrypt() == VALUE


def test_update_refuses_the_secret_of_another_row(workspace):
    one, two = saved(workspace, "one"), saved(workspace, "two")
    with pytest.raises(SecretUpdateError), transaction.atomic():
        IntegrationConfig.objects.update(config_encrypted_json=one.config_encrypted_json)
    one.config_encrypted_json = "new"
    with pytest.raises(SecretUpdateError), transaction.atomic():
        IntegrationConfig.objects.bulk_update([one], ["config_encrypted_json"])
    assert reload(two).config_encrypted_json.decrypt() == VALUE


def test_tenant_metadata_is_a_secret(tenant):
    with tenant_scope(tenant):
        mine = Tenant.objects.get()
        mine.metadata_encrypted = VALUE
        mine.save(update_fields=["metadata_encrypted"])
        assert Tenant.objects.get().metadata_encrypted.decrypt() == VALUE


def test_value_is_not_in_reprs_serializations_or_pickles(workspace):
    config = saved(workspace)
    shown = [
        repr(config),
        str(config.config_encrypted_json),
        f"{vars(config)}",
        str(model_to_dict(config)),
        str(IntegrationConfig.objects.values().get(pk=config.pk)),
        serializers.serialize("json", IntegrationConfig.objects.all()),
        serializers.serialize("json", [make(workspace, "unsaved")]),
    ]
    pickled = pickle.dumps([config, make(workspace, "unsaved")])
    assert [text for text in shown if CANARY in text] == []
    assert CANARY.encode() not in pickled
    assert pickle.loads(pickled)[1].config_encrypted_json.decrypt() == VALUE


def test_listing_rows_decrypts_nothing(workspace, monkeypatch):
    saved(workspace)
    monkeypatch.setattr(Secret, "decrypt", lambda self: pytest.fail("decrypted"))
    assert len(list(IntegrationConfig.objects.all())) == 1


def test_form_hides_the_secret_and_keeps_it_if_empty(workspace):
    form_class = modelform_factory(IntegrationConfig, fields=["name", "config_encrypted_json"])
    value = {"url": "https://example.org/", "token": CANARY}
    config = saved(workspace, value=value)
    assert CANARY not in str(form_class(instance=reload(config)))
    kept = form_class({"name": "renamed", "config_encrypted_json": ""}, instance=reload(config))
    assert kept.changed_data == ["name"]
    kept.save()
    assert reload(config).config_encrypted_json.decrypt() == value
    other = {"url": "https://example.org/"}
    given = {"name": "renamed", "config_encrypted_json": json.dumps(other)}
    form_class(given, instance=reload(config)).save()
    assert reload(config).config_encrypted_json.decrypt() == other
    bad = form_class({"name": "", "config_encrypted_json": f"{{{CANARY}"}, instance=reload(config))
    assert not bad.is_valid()
    assert CANARY not in str(bad)


def test_ciphertext_moved_to_another_row_or_field_is_refused(workspace, tenant):
    one, two = saved(workspace, "one"), saved(workspace, "two")
    write_raw(two, raw(one))
    with pytest.raises(SecretMovedError, match=f"of {two.pk} was encrypted for another place"):
        reload(two).config_encrypted_json.decrypt()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tenants SET metadata_encrypted = %s::jsonb WHERE id = %s", [raw(one), tenant])
    with pytest.raises(SecretMovedError):
        Tenant.objects.get().metadata_encrypted.decrypt()


def test_a_ciphertext_moved_to_the_same_id_in_another_tenant_is_refused(owner, stranger):
    with tenant_scope(owner.tenant_id):
        mine = saved(Workspace.objects.create(name="Main"))
        text = raw(mine)
        mine.delete()
    with tenant_scope(stranger.tenant_id):
        theirs = make(Workspace.objects.create(name="Main"))
        theirs.pk = mine.pk
        theirs.save()
        write_raw(theirs, text)
        with pytest.raises(SecretMovedError):
            reload(theirs).config_encrypted_json.decrypt()


def test_envelope_with_a_changed_byte_is_refused(workspace):
    secret = saved(workspace, value="s").config_encrypted_json
    text = secret.envelope.text
    for position in range(len(text)):
        flipped = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
        with pytest.raises((SecretUnreadableError, SecretMovedError)):
            Secret(secret.location, Envelope(flipped)).decrypt()


@pytest.mark.parametrize(
    "text", ["null", "{}", "[]", '"t"', '{"v":1,"k":"k1","c":""}', '{"v":1,"k":1,"c":2}']
)
def test_invalid_envelope_is_refused(workspace, text):
    config = saved(workspace)
    write_raw(config, text)
    with pytest.raises(SecretUnreadableError, match=r"OYL|enter the secret anew"):
        reload(config).config_encrypted_json.decrypt()


def test_the_first_key_encrypts_and_every_key_decrypts(workspace):
    with override_settings(OYL_ENCRYPTION_KEYS=KEY_1):
        config = saved(workspace)
    with override_settings(OYL_ENCRYPTION_KEYS=f"{KEY_2}, {KEY_1}"):
        assert reload(config).config_encrypted_json.decrypt() == VALUE
        assert json.loads(raw(saved(workspace, "two")))["k"] == "k2"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (KEY_2, "the key 'k1', which OYL_ENCRYPTION_KEYS does not have"),
        (KEY_2.replace("k2", "k1"), "its key's name now stands for another key"),
    ],
)
def test_secret_without_its_key_is_refused(workspace, keys, reason):
    with override_settings(OYL_ENCRYPTION_KEYS=KEY_1):
        config = saved(workspace)
    with override_settings(OYL_ENCRYPTION_KEYS=keys), pytest.raises(SecretUnreadableError, match=reason):
        reload(config).config_encrypted_json.decrypt()


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("", "entry 1 is not of the form"),
        ("c2VjcmV0", "entry 1 is not of the form"),
        (f"{KEY_1},", "entry 2 is not of the form"),
        ("k1:", "entry 1 is not of the form"),
        (f"{KEY_1},{KEY_1}", "the name 'k1' is used twice"),
        ("k1:c2VjcmV0", "the key 'k1' is not 32 bytes"),
        ("k1:*nonsense*", "the key 'k1' is not 32 bytes"),
    ],
)
def test_invalid_keys_setting_is_explained_without_keys(setting, reason):
    with override_settings(OYL_ENCRYPTION_KEYS=setting), pytest.raises(ImproperlyConfigured) as caught:
        ciphers()
    assert reason in str(caught.value)
    assert not any(part in str(caught.value) for part in ("c2VjcmV0", "nonsense", KEY_1[3:]))


def test_key_is_read_in_both_base64_alphabets(workspace):
    material = bytes([251, 255] * 16)
    plain = b64encode(material).decode()
    assert "+" in plain and "/" in plain
    with override_settings(OYL_ENCRYPTION_KEYS=f"k1:{plain}"):
        config = saved(workspace)
    with override_settings(OYL_ENCRYPTION_KEYS=f"k1:{plain.translate(str.maketrans('+/', '-_'))}"):
        assert reload(config).config_encrypted_json.decrypt() == VALUE
