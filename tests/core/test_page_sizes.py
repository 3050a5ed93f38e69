"""Pages of large rows end early, in every API and in both directions."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assistants.models import Assistant
from core.api.pagination import MAX_PAGE_LENGTH
from core.isolation.scope import tenant_scope
from knowledge.models import Reference
from tests.conftest import Person
from tests.support.api_client import Caller
from workspaces.models import Workspace

ROWS, LENGTH = 60, 100_000


@pytest.fixture
def names(owner: Person) -> list[str]:
    """Of 60 assistants whose texts have 6 MB together, in the order of their list."""
    names = [f"a{number:02}" for number in range(ROWS)]
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.create(name="Big")
        Assistant.objects.bulk_create(
            Assistant(workspace=workspace, name=name, instruction="x" * LENGTH) for name in names
        )
    return names


def follow(caller: Caller, path: str, link: str) -> list[dict[str, Any]]:
    """The pages, each small."""
    pages = []
    while path:
        answer = caller.get(path)
        assert len(answer.content) < MAX_PAGE_LENGTH + 2 * LENGTH
        pages.append(answer.json())
        path = (answer.json()[link] or "").partition("/api/v1/")[2]
    return pages


def test_pages_of_large_rows_end_early_and_miss_none(caller: Caller, names: list[str]):
    pages = follow(caller, "assistants/?limit=200&ordering=name", "next")
    assert [row["name"] for page in pages for row in page["results"]] == names
    assert 4 < len(pages) < 10
    back = follow(caller, pages[-1]["previous"].partition("/api/v1/")[2], "previous")
    found = [row["name"] for page in reversed(back) for row in page["results"]]
    assert [*found, *(row["name"] for row in pages[-1]["results"])] == names


def test_lists_for_openai_clients_end_early(owner: Person, caller: Caller):
    with tenant_scope(owner.tenant_id):
        workspace = Workspace.objects.create(name="Big")
        Reference.objects.bulk_create(
            Reference(workspace=workspace, name=f"r{number}", metadata_json={"x": "x" * 60_000})
            for number in range(30)
        )
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    page = client.get("/v1/vector_stores?limit=100")
    assert page.status_code == 200 and len(page.content) < 1.2 * MAX_PAGE_LENGTH
    assert page.json()["has_more"] and len(page.json()["data"]) < 25
    rest = client.get(f"/v1/vector_stores?limit=100&after={page.json()['last_id']}").json()
    assert len(rest["data"]) + len(page.json()["data"]) == 30
