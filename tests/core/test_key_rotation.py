"""`rotate_keys` re-encrypts every secret with the first key, in batches that can be interrupted, and reports what it cannot
read."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from audit.models import AuditLog
from core.actors import command_actor
from core.encryption import rotation
from core.isolation.scope import tenant_scope
from tenants.models import Tenant
from tenants.services.organisations import rotate_keys
from tests.core.keys import KEY_1, KEY_2
from workspaces.models import IntegrationConfig, IntegrationType, Workspace

BOTH = override_settings(OYL_ENCRYPTION_KEYS=f"{KEY_2},{KEY_1}")


def keys_in(tenant):
    with tenant_scope(tenant):
        rows = [*IntegrationConfig.with_deleted.all(), *Tenant.objects.all()]
        secrets = [getattr(row, "config_encrypted_json", None) or row.metadata_encrypted for row in rows]
        return sorted(json.loads(secret.envelope.text)["k"] for secret in secrets)


def add_secrets(tenant, count):
    """Encrypt with the key k1: `count` integration configs, the last one soft-deleted, and the tenant's metadata."""
    with override_settings(OYL_ENCRYPTION_KEYS=KEY_1), tenant_scope(tenant):
        workspace = Workspace.objects.create(name="Main")
        kind = IntegrationType.WEBHOOK
        for n in range(count):
            last = IntegrationConfig.objects.create(
                workspace=workspace, name=f"{n}", type_enum=kind, config_encrypted_json={"n": n}
            )
        IntegrationConfig.objects.filter(pk=last.pk).soft_delete()
        mine = Tenant.objects.get()
        mine.metadata_encrypted = "metadata"
        mine.save()


def test_rotation_reencrypts_every_secret_in_batches(tenant, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 2)
    add_secrets(tenant, 5)
    with BOTH:
        done = rotate_keys(actor=command_actor(tenant, "test"))
        assert (done.rotated, done.unreadable) == ({"tenants": 1, "integration_configs": 5}, [])
        assert keys_in(tenant) == ["k2"] * 6
        assert rotate_keys(actor=command_actor(tenant, "test")).rotated == {}
    with override_settings(OYL_ENCRYPTION_KEYS=KEY_2), tenant_scope(tenant):
        values = [config.config_encrypted_json.decrypt()["n"] for config in IntegrationConfig.objects.all()]
        assert sorted(values) == [0, 1, 2, 3]
        events = AuditLog.objects.filter(action="secrets.rotated").order_by("created_at")
        counts = [(event.payload_json["table"], event.payload_json["count"]) for event in events]
        assert counts == [("tenants", 1), *[("integration_configs", n) for n in (2, 2, 1)]]


def test_interrupted_rotation_continues(tenant, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 2)
    add_secrets(tenant, 5)
    seen = []

    def reencrypt(secret, row):
        seen.append(row)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return rotation.reencrypt(secret, row)

    with BOTH, monkeypatch.context() as patch:
        patch.setattr("tenants.services.organisations.reencrypt", reencrypt)
        with pytest.raises(KeyboardInterrupt):
            rotate_keys(actor=command_actor(tenant, "test"))
        assert keys_in(tenant) == ["k1"] * 3 + ["k2"] * 3
    with BOTH:
        assert rotate_keys(actor=command_actor(tenant, "test")).rotated == {"integration_configs": 3}
        assert keys_in(tenant) == ["k2"] * 6


def test_saving_an_object_loaded_before_does_not_undo_the_rotation(tenant):
    add_secrets(tenant, 2)
    with BOTH, tenant_scope(tenant):
        stale = IntegrationConfig.objects.get()
    with BOTH:
        rotate_keys(actor=command_actor(tenant, "test"))
        with tenant_scope(tenant):
            stale.name = "renamed"
            stale.save()
        assert keys_in(tenant) == ["k2"] * 3
    with override_settings(OYL_ENCRYPTION_KEYS=KEY_2), tenant_scope(tenant):
        assert IntegrationConfig.objects.get().config_encrypted_json.decrypt() == {"n": 0}


def test_object_with_an_unreadable_secret_can_be_renamed(tenant):
    add_secrets(tenant, 2)
    with override_settings(OYL_ENCRYPTION_KEYS=KEY_2), tenant_scope(tenant):
        lost = IntegrationConfig.objects.get()
        lost.name = "renamed"
        lost.save()
    assert keys_in(tenant) == ["k1"] * 3


def test_command_reports_unreadable_secrets_and_rotates_the_others(tenant, stranger):
    add_secrets(tenant, 1)
    add_secrets(stranger.tenant_id, 1)
    with tenant_scope(tenant):
        broken = IntegrationConfig.with_deleted.get()
    with override_settings(OYL_ENCRYPTION_KEYS=KEY_1.replace("k1", "lost")), tenant_scope(tenant):
        broken.config_encrypted_json = "x"
        broken.save()
    stdout = StringIO()
    with BOTH, pytest.raises(CommandError, match=f"of {broken.pk} was encrypted with the key 'lost'"):
        call_command("rotate_keys", "--all-tenants", json=True, stdout=stdout)
    results = {one["tenant_id"]: one for one in json.loads(stdout.getvalue())}
    assert results[str(stranger.tenant_id)]["rotated"] == {"tenants": 1, "integration_configs": 1}
    assert results[str(tenant)]["rotated"] == {"tenants": 1}
    assert keys_in(tenant) == ["k2", "lost"]
