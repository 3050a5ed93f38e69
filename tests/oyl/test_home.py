"""The first page of the admin: what it shows, to whom, and that it stays quick in a large organisation."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assistants.models import Assistant
from conversations.models import Conversation
from core.isolation.scope import tenant_scope
from core.isolation.time_limits import BULK, time_limits
from core.models import StoredAmount
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quota_upkeep import add_up_uses_of
from knowledge.models import Document, DocumentStatus, IngestionJob
from knowledge.services.references import get_or_create_reference
from tenants.models import User
from tests.conftest import Person, browser, make_member, make_owner

INDEX = reverse("admin:index")
# Of documents, passages and answers; with --long, and else.
LARGE = {True: (20_000, 15, 20_000), False: (2_000, 5, 5_000)}
MOST_TIMES = 3  # as long as the page of a small organisation; on a quiet machine it is to take 150 ms
# The states of a document, by its number: one of 50 failed, and one of 50 is pending.
DOCUMENTS = """
WITH made AS (
    INSERT INTO documents (id, tenant_id, created_at, updated_at, reference_id, external_id, filename, file_path, mime_type,
        size_bytes, sha256, metadata_json, file_metadata_json, text, warnings, processed_status, error_code, error_detail,
        generation, file_generation, versions, left_references, changed_in)
    SELECT gen_random_uuid(), %(tenant)s, now() - n * interval '1 s', now(), %(reference)s, n || '.txt', n || '.txt', 'x',
        'text/plain', 1000,
        md5(n::text), '{}', '{}', repeat('A sentence of its text. ', 40), '{}',
        CASE n %% 50 WHEN 0 THEN 'error' WHEN 1 THEN 'pending' ELSE 'done' END,
        CASE n %% 50 WHEN 0 THEN 'worker_died' ELSE '' END, CASE n %% 50 WHEN 0 THEN 'Its worker died.' ELSE '' END,
        1, 1, '{}', '{}', 0
    FROM generate_series(1, %(documents)s) AS n RETURNING id, filename
), jobs AS (
    INSERT INTO ingestion_jobs (id, tenant_id, created_at, updated_at, document_id, kind, generation, stage, state, attempt,
        in_background, available_at, started_at, finished_at, error_code, error_detail, timings_json, chunks_done,
        chunks_total, versions)
    SELECT gen_random_uuid(), %(tenant)s, now(), now(), id, 'ingest', 1, 'clean', 'done', 1, false, now(), now(),
        now() - random() * interval '1 day', '', '', '{}', %(chunks)s, %(chunks)s, '{}'
    FROM made
)
INSERT INTO chunks (id, tenant_id, created_at, document_id, generation, position, text, content_sha256, heading_path, start,
    "end", token_count, language, tags_text)
SELECT gen_random_uuid(), %(tenant)s, now(), id, 1, p, 'A passage of it.', md5(filename || p), '{}', 0, 10, 4, 'en', '{}'
FROM made CROSS JOIN generate_series(1, %(chunks)s) AS p
"""
USES = """
INSERT INTO quota_uses (id, tenant_id, created_at, kind, day, credential, amount)
SELECT gen_random_uuid(), %(tenant)s, now(), kind, day::date, '', amount FROM (VALUES
    ('documents', '1970-01-01', %(documents)s), ('chunks', '1970-01-01', %(documents)s * %(chunks)s),
    ('answers', %(today)s, 3), ('answer_tokens', %(today)s, 4000)
) AS one(kind, day, amount)
"""
ANSWERS = """
INSERT INTO messages (id, tenant_id, created_at, updated_at, conversation_id, role, text, summary, state, error_code,
    error_detail, why, is_refusal, citations_json, tables_json, sentences_json, model, prompt_tokens, completion_tokens,
    price, currency, seconds)
SELECT gen_random_uuid(), %(tenant)s, now() - n * interval '30 seconds', now(), %(conversation)s, 'assistant',
    repeat('A word. ', 60), '', 'done', '', '', '', n %% 10 = 0,
    CASE n %% 10 WHEN 1 THEN '[]' ELSE '[{"number": 1}]' END::jsonb, '[]',
    CASE n %% 10 WHEN 2 THEN '[{"support": "weak"}]' ELSE '[]' END::jsonb, 'm', 90, 10, 0.01, 'EUR', n %% 10
FROM generate_series(0, %(answers)s - 1) AS n
"""


def fill(person: Person, *, documents: int, chunks: int = 2, answers: int = 0) -> None:
    reference = get_or_create_reference(actor=person.actor, workspace="Main", reference="Files")
    values: dict[str, Any] = {
        "tenant": person.tenant_id,
        "reference": reference.pk,
        "documents": documents,
        "chunks": chunks,
        "answers": answers,
        "today": timezone.now().date(),
    }
    with time_limits(BULK), tenant_scope(person.tenant_id), connection.cursor() as cursor:
        workspace = reference.workspace_id
        assistant, _ = Assistant.objects.get_or_create(workspace_id=workspace, name="Helper")
        conversation = Conversation.objects.create(
            workspace_id=workspace, assistant=assistant, owner="somebody", title="T", is_shared=True
        )
        values["conversation"] = conversation.pk
        for sql in (DOCUMENTS, USES, *([ANSWERS] if answers else [])):
            cursor.execute(sql, values)


def shown(client: Client) -> str:
    page = client.get(INDEX)
    assert page.status_code == 200
    return re.sub(r"<[^>]+>|\s+", " ", page.content.decode())


def tiles(client: Client) -> dict[str, object]:
    parts = client.get(INDEX).context["parts"]
    return {tile.label: tile.count for part in parts for tile in part.tiles}


def test_each_number_leads_to_a_list_with_as_many_rows(owner: Person):
    fill(owner, documents=100, answers=20)
    linked = [tile for part in owner.client.get(INDEX).context["parts"] for tile in part.tiles if tile.link]
    assert {"Pending", "Done", "Error", "Without sources", "Low confidence", "Nothing found"} <= {
        tile.label for tile in linked
    }
    client = owner.client
    for tile in linked:
        page = client.get(tile.link)
        assert page.status_code == 200, tile.link
        if tile.label in ("Pending", "Done", "Error"):
            assert page.context["cl"].result_count == tile.count, tile.label
        if tile.label in ("Without sources", "Low confidence", "Nothing found"):
            assert len(page.context["cl"].result_list) == tile.count == 2, tile.label


def test_figures_of_answers(owner: Person):
    fill(owner, documents=1, answers=20)
    found = tiles(owner.client)
    assert (found["Answers"], found["Failed"], found["Good"], found["Bad"]) == (20, 0, 0, 0)
    assert found["Cost"] == "0.20 EUR" and found["Time"] == "4.5 s"


def test_viewers_see_documents_but_neither_costs_nor_the_seal(owner: Person, viewer: Person):
    fill(owner, documents=50, answers=20)
    assert "Cost" in tiles(owner.client) and "Seal of the audit log" in shown(owner.client)
    assert "Done" in tiles(viewer.client) and "Cost" not in tiles(viewer.client)
    assert "Seal of the audit log" not in shown(viewer.client)


def test_another_organisation_is_not_counted(owner: Person, stranger: Person):
    fill(owner, documents=50, answers=20)
    assert set(tiles(stranger.client).values()) == {0}
    assert "Its worker died" not in shown(stranger.client)


def test_a_failure_is_retried_from_there(owner: Person, viewer: Person):
    fill(owner, documents=50)
    with tenant_scope(owner.tenant_id):
        (failed,) = Document.objects.filter(processed_status=DocumentStatus.ERROR)
    client = owner.client
    page = client.get(INDEX).content.decode()
    (address,) = re.findall(r'<form method="post" action="(/admin/knowledge/[^"]+)"', page)
    assert str(failed.pk) in address
    assert (
        "1 document is queued"
        in client.post(address, {"_form_submitted": "True"}, follow=True).content.decode()
    )
    assert "Its worker died" not in shown(client)
    assert "Retry" not in shown(viewer.client)


def test_a_fault_of_the_file_is_not_retried(owner: Person):
    fill(owner, documents=50)
    with tenant_scope(owner.tenant_id):
        Document.objects.filter(processed_status="error").update(error_code="password_protected")
    page = shown(owner.client)
    assert "Its worker died" in page and "Retry" not in page


def test_speed_and_what_is_left(owner: Person):
    fill(owner, documents=50)
    with tenant_scope(owner.tenant_id):
        IngestionJob.objects.update(finished_at=timezone.now() - timedelta(hours=2))
        ids = list(IngestionJob.objects.values_list("pk", flat=True)[:10])
        IngestionJob.objects.filter(pk__in=ids).update(finished_at=timezone.now())
    page = shown(owner.client)
    assert "10 documents with 20 passages were read" in page
    assert "the rest takes about 1 minute" in page


def test_growth_is_remembered_each_day(owner: Person):
    fill(owner, documents=50)
    add_up_uses_of(owner.tenant_id)
    add_up_uses_of(owner.tenant_id)
    with tenant_scope(owner.tenant_id):
        (row,) = StoredAmount.objects.filter(kind=QuotaKind.DOCUMENTS)
        assert row.amount == 50
        yesterday = row.day - timedelta(days=1)
        StoredAmount.objects.create(kind=QuotaKind.DOCUMENTS, day=yesterday, amount=20)
    (panel,) = (
        panel
        for part in owner.client.get(INDEX).context["parts"]
        for panel in part.panels
        if panel.title == "Growth of documents"
    )
    assert panel.rows.series == {"Documents": [20, 50]}


def test_operators_see_components_queues_and_versions(owner: Person, operator: User):
    reference = get_or_create_reference(actor=owner.actor, workspace="Main", reference="Files")
    document = _pending_document(owner, reference.pk)
    client = browser(operator)
    assert reverse("admin:health") in client.get(INDEX).content.decode()
    page = client.get(reverse("admin:health")).content.decode()
    assert "PostgreSQL 1" in page and "Vector store" in page and "Workers and beat" in page
    found = re.search(r"<td>Ingest</td><td>([\d,]+)</td><td>([\d,]+) s</td>", page)
    assert found and int(found[1].replace(",", "")) >= 1 and int(found[2].replace(",", "")) >= 3600
    assert str(owner.tenant_id) not in page and document.filename not in page


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_members_do_not_see_the_installation(owner: Person, role: Role):
    member = make_member(owner.tenant_id, role)
    assert member.client.get(reverse("admin:health")).status_code == 403


def _pending_document(person: Person, reference_id: UUID) -> Document:
    with tenant_scope(person.tenant_id):
        document: Document = Document.objects.create(
            reference_id=reference_id,
            external_id="a.txt",
            filename=f"{uuid4().hex}.txt",
            file_path="x",
            size_bytes=1,
            sha256="0" * 64,
        )
        IngestionJob.objects.create(
            document=document, generation=1, available_at=timezone.now() - timedelta(hours=2)
        )
    return document


def test_it_is_quick_in_a_large_organisation(owner: Person, request: pytest.FixtureRequest):
    fill(owner, documents=50, answers=10)
    small = _queries(owner.client)
    large = make_owner()
    documents, chunks, answers = LARGE[bool(request.config.getoption("long"))]
    fill(large, documents=documents, chunks=chunks, answers=answers)
    client = large.client
    assert _queries(client) == small
    # Other work of the machine only adds to it.
    of_small, of_large = (min(_milliseconds(one) for _ in range(11)) for one in (owner.client, client))
    print(f"{of_large:.0f} ms, in a small organisation {of_small:.0f} ms, {small} statements")
    assert of_large < MOST_TIMES * of_small


def _milliseconds(client: Client) -> float:
    begun = time.perf_counter()
    client.get(INDEX)
    return 1000 * (time.perf_counter() - begun)


def _queries(client: Client) -> int:
    client.get(INDEX)
    with CaptureQueriesContext(connection) as queries:
        client.get(INDEX)
    return len(queries)
