"""Every operation below `/v1/` with foreign ids in every place, foreign cursors and idempotency keys."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from core.isolation.scope import tenant_scope
from core.models import IdempotencyKey
from knowledge.models import Connector, Document, FileUpload, KnowledgeBaseReference, StoredFile
from tests.proof.conftest import Size
from tests.proof.isolation.answers import answer, difference
from tests.proof.isolation.openai import (
    PREFIXES,
    OpenAIOperation,
    Path,
    as_public,
    id_fields,
    operations,
    own,
)
from tests.proof.isolation.parties import MODELS, Model, Party, make_party

OPERATIONS = operations()
REPEATABLE = [one for one in OPERATIONS if one.is_repeatable]
pytestmark = pytest.mark.usefixtures("kept", "untouched")


def by_operation(some: list[OpenAIOperation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", some, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def visitor(database: None, tmp_path_factory: pytest.TempPathFactory) -> Party:
    """An intruder whose own rows may be deleted, including the reference."""
    made = make_party(tmp_path_factory.mktemp("visitor"))
    with tenant_scope(made.tenant_id):
        KnowledgeBaseReference.objects.all().delete()
    return made


@pytest.fixture(scope="module")
def client(visitor: Party) -> Client:
    return visitor.person.client


@pytest.fixture(scope="module")
def kept(victim: Party, visitor: Party) -> None:
    """Responses that the victim's organisation stores, with the visitor's credential and keys."""
    with tenant_scope(victim.tenant_id):
        for operation in REPEATABLE:
            IdempotencyKey.objects.create(
                credential=str(visitor.person.user.pk),
                key=f"kept-{operation.name}",
                fingerprint=victim.word,
                status=200,
                body=f'{{"{victim.word}": 1}}',
                is_complete=True,
                expires_at=timezone.now() + timedelta(hours=1),
            )


def neighbour(pk: UUID) -> UUID:
    """Return an absent id with the same time."""
    return UUID(int=pk.int ^ 1)


@by_operation(OPERATIONS)
def test_foreign_id_is_answered_as_absent_in_every_place(
    operation: OpenAIOperation,
    victim: Party,
    visitor: Party,
    client: Client,
    size: Size,
    counted: Counter[str],
):
    def send(place: Path, public_id: str):
        def pk_for(path: Path, model: Model) -> str:
            return public_id if path == place else own(visitor)(path, model)

        query = {place[1]: public_id} if place[0] == "query" else {}
        return answer(operation.send(client, pk_for, query), public_id)

    for place, model in operation.places().items():
        for kind in [model, *PREFIXES, *MODELS][: size(1 + len(PREFIXES), 1 + len(PREFIXES) + len(MODELS))]:
            pk = victim.id_of(kind)
            foreign, absent = (send(place, as_public(kind, one)) for one in (pk, neighbour(pk)))
            counted["places below /v1/"] += 2
            assert difference(foreign, absent) == [], (place, kind)
            assert not foreign.mentions(victim)
            assert place[0] != "path" or (foreign.status, '"error"' in foreign.body) == (404, True), place


@by_operation(REPEATABLE)
def test_foreign_idempotency_key_is_unknown(
    operation: OpenAIOperation, victim: Party, client: Client, counted: Counter[str]
):
    foreign, unused = (
        answer(operation.send(client, lambda _, model: as_public(model, uuid4()), **{"Idempotency-Key": key}))
        for key in (f"kept-{operation.name}", uuid4().hex)
    )
    counted["foreign idempotency keys"] += 2
    assert "Replayed" not in foreign.headers and not foreign.mentions(victim)
    assert foreign.status == unused.status


def test_every_id_field_is_covered():
    places = {place: operation for operation in OPERATIONS for place in operation.places()}
    named = {[part for part in place if isinstance(part, str)][-1] for place in places}
    assert named >= {*id_fields()} == {"file_id", "file_ids", "part_ids", "previous_response_id"}
    assert {place[0] for place in places} == {"path", "query", "body"} and len(REPEATABLE) > 6


def test_own_ids_are_accepted(visitor: Party, victim: Party, client: Client):
    """Otherwise, the refusal of foreign ids would prove nothing. Deletions come last, the innermost first."""
    with tenant_scope(visitor.tenant_id):
        Connector.objects.all().soft_delete()  # a reference that a connector fills is kept
    last = ("/complete", "/cancel")
    in_order = sorted(
        OPERATIONS, key=lambda one: (one.method == "DELETE", one.name.endswith(last), -len(one.name))
    )
    for operation in in_order:
        with tenant_scope(visitor.tenant_id):
            FileUpload.objects.update(completed_at=None)  # one that is completed cannot be cancelled
        answered = operation.send(client, own(visitor))
        assert answered.status_code == 200, (operation.name, answered.content)
        answered.close()
    for party, are_there in ((victim, True), (visitor, False)):
        with tenant_scope(party.tenant_id):
            assert StoredFile.objects.filter(pk=party.id_of(StoredFile)).exists() == are_there
            assert Document.objects.filter(pk=party.id_of(Document)).exists() == are_there
        assert default_storage.exists(party.rows[StoredFile].file_path) == are_there
