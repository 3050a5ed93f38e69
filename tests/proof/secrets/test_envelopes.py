"""A ciphertext can be decrypted only in its own place and without any change."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from itertools import permutations, product
from random import Random

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DataError
from django.test import override_settings

from benchmarks.reports import Row
from core.encryption.fields import SecretMovedError, SecretUnreadableError
from core.encryption.rotation import encrypted_fields
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.proof.conftest import Size
from tests.proof.secrets.keys import BOTH
from tests.proof.secrets.places import MAKERS, Place, make_places
from workspaces.models import IntegrationConfig, Workspace

SEED = 6


@pytest.fixture
def places(owner: Person, stranger: Person, size: Size) -> list[Place]:
    """Places in two tenants; one row has the same id as its tenant."""
    own = make_places(owner.tenant_id, size(3, 25))
    config = next(place for place in own if place.field.model is IntegrationConfig)
    with tenant_scope(owner.tenant_id):
        twin = IntegrationConfig(pk=owner.tenant_id, workspace=Workspace.objects.get(), name="Twin")
        twin.type_enum, twin.config_encrypted_json = "webhook", "twin"
        twin.save()
    return [
        *own,
        Place(owner.tenant_id, config.field, twin.pk),
        *make_places(stranger.tenant_id, size(3, 25)),
    ]


def test_every_model_with_a_secret_is_covered():
    assert {field.model for field in encrypted_fields()} == MAKERS.keys()


def test_a_ciphertext_is_refused_in_every_other_place(places: list[Place], measured: list[Row]):
    envelopes = {place: place.read() for place in places}
    moves = list(permutations(places, 2))
    for source, target in moves:
        with target.holding(envelopes[source]), pytest.raises(SecretMovedError):
            target.decrypt()
    measured += [
        {
            "What": f"ciphertexts moved between {len(places)} rows of {len(MAKERS)} tables in two tenants, refused",
            "Measured": f"{len(moves):,} of {len(moves):,}",
            "Target": "all",
        }
    ]


def test_rotation_reports_and_keeps_moved_ciphertexts(places: list[Place]):
    """In the first tenant, each ciphertext is moved to the next place."""
    own = [place for place in places if place.tenant_id == places[0].tenant_id]
    envelopes = [place.read() for place in own]
    with tenant_scope(own[0].tenant_id):
        for place, envelope in zip(own, envelopes[1:] + envelopes[:1], strict=True):
            place.write(envelope)
    with override_settings(OYL_ENCRYPTION_KEYS=BOTH), pytest.raises(CommandError) as caught:
        call_command("rotate_keys", tenant=str(own[0].tenant_id), stdout=StringIO())
    assert all(f"of {place.pk} was encrypted for another place" in str(caught.value) for place in own)
    assert sorted(place.read() for place in own) == sorted(envelopes)


def test_envelope_with_a_flipped_bit_is_refused(places: list[Place], size: Size, measured: list[Row]):
    """PostgreSQL refuses invalid JSON; OYL refuses everything else."""
    random, place = Random(SEED), places[0]
    genuine, refused = place.read(), Counter[str]()
    with tenant_scope(place.tenant_id):
        for position, bit in product(range(len(genuine)), random.sample(range(8), size(1, 8))):
            changed = genuine[:position] + bytes([genuine[position] ^ 1 << bit]) + genuine[position + 1 :]
            try:
                with place.holding(changed):
                    place.decrypt()
            except (SecretUnreadableError, SecretMovedError, DataError) as error:
                refused[type(error).__name__] += 1
    assert refused.total() == len(genuine) * size(1, 8)
    assert place.read() == genuine
    measured += [
        {
            "What": f"flipped bits in an envelope of {len(genuine)} bytes, refused",
            "Measured": f"{refused.total():,} of {refused.total():,}",
            "Target": "all",
        }
    ]


def test_truncated_or_extended_envelope_is_refused(places: list[Place]):
    place = places[0]
    envelope = json.loads(place.read())
    token = envelope["c"]
    wrong = [*(token[:length] for length in range(len(token))), token + "A", token + "AAAA", token + token]
    with tenant_scope(place.tenant_id):
        for changed in wrong:
            damaged = json.dumps({**envelope, "c": changed}).encode()
            with place.holding(damaged), pytest.raises(SecretUnreadableError):
                place.decrypt()
