"""Saved views and the choice of columns, which each list of the admin has."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Reference
from tenants.models import Membership, SavedView
from tests.conftest import Person, make_member
from tests.support.admin_rows import Rows, make_document

LIST = "/admin/knowledge/document/"


@pytest.fixture
def colleague(owner: Person) -> Person:
    return make_member(owner.tenant_id, Role.VIEWER)


def save(client: Client, name: str, query: str, **form: str) -> Any:
    data = {"list": "knowledge.document", "name": name, "query": query, **form}
    return client.post(reverse("admin:save_view"), data, follow=True)


def names(client: Client) -> list[str]:
    return [view.name for view in client.get(LIST).context["saved_views"]]


def heads(client: Client, address: str) -> list[str]:
    return [str(column) for column in client.get(address, follow=True).context["cl"].list_display]


def test_columns_are_chosen_and_kept_by_searches_and_pages(owner: Person, rows: Rows):
    chosen = owner.client.get(f"{LIST}?column=file&column=external_id&kind=PDF&o=-1")
    assert chosen["Location"] == "?kind=PDF&columns=file%2Cexternal_id"
    assert heads(owner.client, f"{LIST}{chosen['Location']}") == ["action_checkbox", "file", "external_id"]
    page = owner.client.get(f"{LIST}?columns=file,created_at").content.decode()
    assert '<input type="hidden" name="columns" value="file,created_at">' in page
    assert "?columns=file%2Ccreated_at&amp;o=1" in page, "sorting keeps them"
    usual = heads(owner.client, LIST)
    assert heads(owner.client, f"{LIST}?columns=text,file_path,nonsense") == usual


def test_a_view_keeps_filters_order_and_columns(owner: Person, rows: Rows):
    query = "kind=PDF&q=zebra&o=-1&columns=file%2Csize"
    saved = save(owner.client, "Old PDFs", f"{query}&p=3&_popup=1")
    assert saved.redirect_chain[0][0] == f"{LIST}?{query}"
    assert (
        f'<a href="?{query.replace("&", "&amp;")}" class="oyl-pill" aria-current="page">'
        in saved.content.decode()
    )
    save(owner.client, "Old PDFs", "kind=Text")
    with tenant_scope(owner.tenant_id):
        (view,) = SavedView.objects.all()
    assert view.query == "kind=Text", "the newer one replaces it"
    assert "is saved" not in save(owner.client, " ", query).content.decode()


def test_only_shared_views_are_seen_by_others(owner: Person, colleague: Person, stranger: Person, rows: Rows):
    save(owner.client, "Mine", "q=a")
    save(owner.client, "Ours", "q=b", is_shared="on")
    save(colleague.client, "Theirs", "q=c")
    save(colleague.client, "Forced", "q=d", is_shared="on")
    assert names(owner.client) == ["Mine", "Ours"] and names(colleague.client) == ["Ours", "Theirs"]
    assert names(stranger.client) == []
    page = colleague.client.get(LIST).content.decode()
    assert owner.user.email in page, "it says whose it is"


def test_views_are_deleted_by_those_who_saved_them_and_go_with_them(
    owner: Person, colleague: Person, rows: Rows
):
    save(owner.client, "Ours", "q=b", is_shared="on")
    save(colleague.client, "Theirs", "q=c")
    with tenant_scope(owner.tenant_id):
        ids = {view.name: str(view.pk) for view in SavedView.objects.all()}
    for client, name in ((colleague.client, "Ours"), (owner.client, "Theirs"), (owner.client, "Ours")):
        client.post(reverse("admin:delete_view"), {"list": "knowledge.document", "view": ids[name]})
    assert names(colleague.client) == ["Theirs"]
    with tenant_scope(owner.tenant_id):
        Membership.objects.filter(user=colleague.user).delete()
        assert not SavedView.objects.exists()


def test_a_view_is_of_a_list_that_one_may_see(colleague: Person, rows: Rows):
    for label in ("audit.auditlog", "nonsense", "tenants.user"):
        form = {"list": label, "name": "No", "query": ""}
        assert colleague.client.post(reverse("admin:save_view"), form).status_code == 404
    assert colleague.client.get(reverse("admin:save_view")).status_code == 405


def test_long_lists_are_not_counted(owner: Person, rows: Rows, monkeypatch: pytest.MonkeyPatch):
    with tenant_scope(owner.tenant_id):
        for number in range(60):
            make_document(rows[Reference], f"zebra-{number:02}.txt", status="done")
    assert "61 documents" in owner.client.get(LIST).content.decode()
    monkeypatch.setattr("core.admin.pages.MOST_COUNTED", 3)
    first, second = (owner.client.get(f"{LIST}?p={page}").content.decode() for page in (1, 2))
    assert "Select all 3+ documents" in first and "61 documents" not in first and "zebra-59.txt" in first
    assert "zebra-00.txt" in second and "zebra-59.txt" not in second
    assert owner.client.get(f"{LIST}?p=1&q=zebra-07").context["cl"].result_count == 1


def test_an_empty_list_says_what_to_do_first(owner: Person, colleague: Person):
    page = owner.client.get(LIST).content.decode()
    assert "No documents yet" in page and "Upload files" in page and "Add document" in page
    assert "Show all" not in page, "nothing is filtered"
    assert "Add document" not in colleague.client.get(LIST).content.decode(), "viewers add nothing"
    filtered = owner.client.get(f"{LIST}?q=zebra").content.decode()
    assert "Nothing matches" in filtered and "Show all" in filtered
