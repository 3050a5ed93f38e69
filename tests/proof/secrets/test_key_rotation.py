"""Keys are rotated while secrets are read and written, and while the rotation is killed several times."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import StringIO
from multiprocessing import Event, Pipe
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as Stop
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from benchmarks.reports import Row
from core.encryption import rotation
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.proof import killable
from tests.proof.conftest import Size
from tests.proof.secrets.keys import BOTH, NEW
from workspaces.models import IntegrationConfig, IntegrationType, Workspace

SEED = 7
THINKING_SECONDS = 0.01


def test_interrupted_rotation_loses_no_secret(
    owner: Person, size: Size, measured: list[Row], monkeypatch: pytest.MonkeyPatch
):
    tenant_id, count, kills = owner.tenant_id, size(400, 10_000), size(2, 10)
    monkeypatch.setattr(rotation, "BATCH", size(20, rotation.BATCH))
    random, ids = Random(SEED), _create_secrets(tenant_id, count)
    with override_settings(OYL_ENCRYPTION_KEYS=BOTH), _concurrent_use(tenant_id, ids, processes=2) as results:
        for n in range(1, kills + 1):
            _rotate_and_kill(tenant_id, n * count // (kills + 2), random)
        _rotate(tenant_id)
    with override_settings(OYL_ENCRYPTION_KEYS=NEW):
        assert _keys(tenant_id) == {"new": count}
        values = _values(tenant_id)
    assert [pk for pk in ids if values[pk]["pk"] != str(pk)] == []
    assert [problem for each in results for problem in each["errors"]] == []
    assert len(results) == 2
    reads, writes = (sum(each[what] for each in results) for what in ("reads", "writes"))
    assert min(reads, writes) > 0
    measured += [
        {
            "What": f"of {count:,} secrets, unreadable after the rotation, or under the old key",
            "Measured": f"0 ({kills} kills, {reads:,} reads and {writes:,} writes meanwhile)",
            "Target": "0",
        }
    ]


def _create_secrets(tenant_id: UUID, count: int) -> list[UUID]:
    with tenant_scope(tenant_id):
        workspace = Workspace.objects.create(name="Main")
        rows = [
            IntegrationConfig(workspace=workspace, name=f"{n}", type_enum=IntegrationType.WEBHOOK)
            for n in range(count)
        ]
        for row in rows:
            row.config_encrypted_json = _value(row.pk, 0)
        IntegrationConfig.objects.bulk_create(rows, batch_size=1000)
    return [row.pk for row in rows]


def _value(pk: UUID, version: int) -> dict[str, Any]:
    return {"pk": str(pk), "version": version, "token": "x" * 40}


def _rotate(tenant_id: UUID) -> None:
    call_command("rotate_keys", tenant=str(tenant_id), stdout=StringIO())


def _rotate_and_kill(tenant_id: UUID, enough: int, random: Random) -> None:
    """Kill a rotation as soon as `enough` secrets have the new key, or up to 30 ms later."""
    process = killable.start(partial(_rotate, tenant_id))
    while process.is_alive() and _keys(tenant_id)["new"] < enough:
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.03))
    assert process.kill()


def _keys(tenant_id: UUID) -> Counter[str]:
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute("SELECT config_encrypted_json->>'k', count(*) FROM integration_configs GROUP BY 1")
        return Counter(dict(cursor.fetchall()))


def _values(tenant_id: UUID) -> dict[UUID, Any]:
    with tenant_scope(tenant_id):
        return {row.pk: row.config_encrypted_json.decrypt() for row in IntegrationConfig.objects.all()}


@contextmanager
def _concurrent_use(tenant_id: UUID, ids: Sequence[UUID], processes: int) -> Iterator[list[dict[str, Any]]]:
    """Let processes read and write secrets until the block ends. Yields a list that has their results after the block."""
    results: list[dict[str, Any]] = []
    stop, (receiver, sender) = Event(), Pipe(duplex=False)
    started = [
        killable.start(partial(_use, tenant_id, ids, Random(f"{SEED} {n}"), stop, sender))
        for n in range(processes)
    ]
    try:
        yield results
    finally:
        stop.set()
        results += [receiver.recv() for _ in started if receiver.poll(60)]
        for each in started:
            each.wait()


def _use(tenant_id: UUID, ids: Sequence[UUID], random: Random, stop: Stop, sender: Connection) -> None:
    counts, errors, parent = Counter[str](), [], os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        pk, what = random.choice(ids), random.choice([_read, _replace, _rename])
        try:
            with tenant_scope(tenant_id):
                what(IntegrationConfig.objects.get(pk=pk))
            counts["reads" if what is _read else "writes"] += 1
        except Exception as error:
            errors.append(f"{what.__name__}: {error!r}")
    sender.send({"errors": errors, "reads": counts["reads"], "writes": counts["writes"]})


def _read(row: IntegrationConfig) -> None:
    assert row.config_encrypted_json.decrypt()["pk"] == str(row.pk)


def _replace(row: IntegrationConfig) -> None:
    version = row.config_encrypted_json.decrypt()["version"]
    row.config_encrypted_json = _value(row.pk, version + 1)
    row.save()


def _rename(row: IntegrationConfig) -> None:
    """Change another field, while the rotation may re-encrypt the loaded secret."""
    time.sleep(THINKING_SECONDS)
    row.name = f"{row.name}."
    row.save()
