"""Every operation of the OpenAPI document with foreign ids in every place, foreign cursors and idempotency keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from core.api.pagination import Cursor
from core.isolation.scope import tenant_scope
from core.models import IdempotencyKey
from tenants.models import User
from tests.proof.conftest import Size
from tests.proof.isolation.answers import answer, difference
from tests.proof.isolation.described import ID_MODELS, Operation, operations
from tests.proof.isolation.parties import Party
from tests.proof.isolation.routes import ids_of

OPERATIONS = operations()
LISTS = [one for one in OPERATIONS if one.takes("cursor")]
REPEATABLE = [one for one in OPERATIONS if one.takes("Idempotency-Key")]
pytestmark = pytest.mark.usefixtures("kept", "untouched")


def by_operation(some: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", some, ids=lambda one: one.name)


@pytest.fixture(scope="session")
def kept(victim: Party, intruder: Party) -> None:
    """Responses that the victim's organisation stores, with the intruder's credential and keys: only the organisation
    differs. They live as long as both parties: a test process may come back to a module."""
    with tenant_scope(victim.tenant_id):
        for operation in REPEATABLE:
            IdempotencyKey.objects.create(
                credential=str(intruder.person.user.pk),
                key=f"kept-{operation.name}",
                fingerprint=victim.word,
                status=200,
                body=f'{{"{victim.word}": 1}}',
                is_complete=True,
                expires_at=timezone.now() + timedelta(hours=1),
            )


@by_operation(OPERATIONS)
def test_foreign_id_is_answered_as_absent_in_every_place(
    operation: Operation,
    victim: Party,
    intruder: Party,
    browser: Client,
    size: Size,
    counted: Counter[str],
):
    own = operation.own(intruder)
    for place in operation.places():
        for model in [operation.model_of(place), *ID_MODELS][: size(1, 1 + len(ID_MODELS))]:
            foreign, absent = (
                answer(operation.send(browser, own.with_id(place, str(pk))), pk)
                for pk in ids_of(model, victim)
            )
            counted["described places"] += 2
            assert difference(foreign, absent) == [], (place, model)
            assert not foreign.mentions(victim)


@by_operation(LISTS)
def test_foreign_cursor_reveals_nothing(
    operation: Operation, victim: Party, intruder: Party, browser: Client, counted: Counter[str]
):
    """The cursor contains the position of the victim's row."""
    row = victim.rows[operation.model]
    for backwards in (False, True):
        cursor = Cursor(backwards, (str(row.created_at), str(row.pk)))
        own = replace(operation.own(intruder), query={"cursor": str(cursor)})
        answered = operation.send(browser, own)
        counted["foreign cursors"] += 1
        assert answered.status_code == 200
        assert not answer(answered).mentions(victim)


@by_operation(REPEATABLE)
def test_foreign_idempotency_key_is_unknown(
    operation: Operation, victim: Party, intruder: Party, browser: Client, counted: Counter[str]
):
    own = operation.own(intruder).with_id(("path", "id"), str(uuid4()))
    foreign, unused = (
        answer(operation.send(browser, own, **{"Idempotency-Key": key}))
        for key in (f"kept-{operation.name}", uuid4().hex)
    )
    counted["foreign idempotency keys"] += 2
    assert "Replayed" not in foreign.headers and not foreign.mentions(victim)
    assert "idempotency_key_reused" not in foreign.body
    assert foreign.status == unused.status or unused.status in (409, 422)


def test_places_of_every_kind_are_found():
    places = [place for operation in OPERATIONS for place in operation.places()]
    assert {place[0] for place in places} == {"path", "query", "body"}
    assert any("*" in place for place in places) and any(len(place) > 3 for place in places)
    assert User in {one.model_of(place) for one in OPERATIONS for place in one.places()}
    assert len(LISTS) > 15 and len(REPEATABLE) > 15
