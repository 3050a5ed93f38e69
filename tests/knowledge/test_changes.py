"""The feed of changed and deleted documents, by which programs keep a copy."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from django.db import connection

from core.isolation.scope import tenant_scope
from knowledge.models import Document
from knowledge.services.changing import delete_documents
from knowledge.services.editing import DocumentChanges, change_document
from knowledge.services.references import delete_references, get_or_create_reference
from knowledge.services.tags import tag_documents
from tests.knowledge.libraries import BEES, RIVERS, Library
from tests.support.api_client import Caller, assert_problem, make_caller


def ask(caller: Caller, **parameters: Any) -> Any:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return caller.get(f"documents/changes/?{query}")


def follow(caller: Caller, since: str, **parameters: Any) -> tuple[list[dict[str, Any]], str]:
    """All changes since then, and the cursor after them."""
    changes: list[dict[str, Any]] = []
    has_more = True
    while has_more:
        answer = ask(caller, **parameters, **({"since": since} if since else {})).json()
        changes, since, has_more = [*changes, *answer["results"]], answer["next_cursor"], answer["has_more"]
    return changes, since


def kinds(changes: list[dict[str, Any]]) -> dict[str, bool]:
    """{id: whether it is deleted}"""
    return {change["id"]: change["deleted"] for change in changes}


@contextmanager
def uncommitted(library: Library, document: Document) -> Iterator[None]:
    """Another transaction changes the document before the block, and commits after it."""
    has_written, may_commit = Event(), Event()

    def write() -> None:
        try:
            with tenant_scope(library.person.tenant_id):
                Document.objects.filter(pk=document.pk).update(filename="late.md")
                has_written.set()
                assert may_commit.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        assert has_written.wait(20)
        try:
            yield
        finally:
            may_commit.set()
        writing.result()


def test_change_that_commits_late_is_not_skipped(library: Library, caller: Caller) -> None:
    late, early = library.add("late.md", BEES), library.add("early.md", RIVERS)
    _, start = follow(caller, "")
    with uncommitted(library, late):
        change_document(
            actor=library.person.actor, document_id=early.pk, changes=DocumentChanges(filename="x.md")
        )
        first, cursor = follow(caller, start)
    second, _ = follow(caller, cursor)
    assert kinds([*first, *second]) == {str(late.pk): False, str(early.pk): False}
    assert "late.md" in [change["document"]["filename"] for change in second]


def test_each_document_is_listed_once_as_it_is_now(library: Library, caller: Caller) -> None:
    documents = [library.add(f"{number}.md", BEES) for number in range(5)]
    actor, ids = library.person.actor, [document.pk for document in documents]
    changes, cursor = follow(caller, "", limit=2)
    assert [change["id"] for change in changes] == [str(pk) for pk in ids]
    assert follow(caller, cursor)[0] == []
    tag_documents(actor=actor, document_ids=[ids[1]], tags=["seen"])
    delete_documents(actor=actor, document_ids=[ids[0]])
    tag_documents(actor=actor, document_ids=[ids[1]], tags=["twice"])
    deleted, tagged = follow(caller, cursor, limit=1)[0]
    assert (deleted["id"], deleted["deleted"], deleted["document"]) == (str(ids[0]), True, None)
    assert [tag["tag"] for tag in tagged["document"]["tags"]] == ["seen", "twice"]
    assert tagged["updated_at"] == tagged["document"]["updated_at"]


def test_documents_of_deleted_references_are_deleted(library: Library, caller: Caller) -> None:
    document = library.add("bees.md", BEES)
    bound = make_caller(library.person, bound=("workspace", library.reference.workspace_id))
    cursors = [follow(one, "")[1] for one in (caller, bound)]
    delete_references(actor=library.person.actor, references=[library.reference])
    for one, cursor in zip((caller, bound), cursors, strict=True):
        assert kinds(follow(one, cursor)[0]) == {str(document.pk): True}


def test_moved_document_is_deleted_for_whom_it_has_left(library: Library, caller: Caller) -> None:
    document, own = library.add("bees.md", BEES), library.reference
    references = [
        get_or_create_reference(actor=library.person.actor, workspace="Main", reference=name)
        for name in ("Second", "Third")
    ]
    bound = [make_caller(library.person, bound=("reference", one.pk)) for one in (own, *references)]
    cursors = [follow(one, "")[1] for one in bound]
    start = follow(caller, "")[1]
    for target in references:
        changes = DocumentChanges(reference_id=target.pk)
        change_document(actor=library.person.actor, document_id=document.pk, changes=changes)
    seen = [kinds(follow(one, cursor)[0]) for one, cursor in zip(bound, cursors, strict=True)]
    assert seen == [{str(document.pk): gone} for gone in (True, True, False)]
    assert kinds(follow(caller, start, reference=own.pk)[0]) == {str(document.pk): True}
    assert kinds(follow(caller, start)[0]) == {str(document.pk): False}


def test_bound_keys_and_other_tenants_see_no_other_changes(
    library: Library, foreign_library: Library, caller: Caller
) -> None:
    other = get_or_create_reference(actor=library.person.actor, workspace="Main", reference="Other")
    bound = make_caller(library.person, bound=("reference", other.pk))
    library.add("bees.md", BEES)
    foreign = foreign_library.add("rivers.md", RIVERS)
    assert follow(bound, "")[0] == []
    assert follow(bound, "", reference=library.reference.pk)[0] == []
    assert str(foreign.pk) not in kinds(follow(caller, "")[0])
    assert follow(caller, "", reference=foreign.reference_id)[0] == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"since": "nonsense"}, "invalid"),
        ({"since": "eC4xLjAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"}, "outdated"),
        ({"reference": "x"}, "invalid"),
        ({"until": "x"}, "unknown"),
        ({"limit": "0"}, "invalid"),
    ],
)
def test_other_parameters_are_refused(caller: Caller, parameters: dict[str, str], code: str) -> None:
    (error,) = assert_problem(ask(caller, **parameters), 422, "invalid")["errors"]
    assert (error["field"], error["code"]) == (next(iter(parameters)), code)


def test_restored_documents_are_listed_again(library: Library, caller: Caller, table_owner: Any) -> None:
    """After a restore into another server, the rows have numbers of transactions that are to come there."""
    document = library.add("bees.md", BEES)
    with table_owner(library.tenant_id) as cursor:
        cursor.execute("ALTER TABLE documents DISABLE TRIGGER number_change")
        cursor.execute("UPDATE documents SET changed_in = %s WHERE id = %s", [10**15, document.pk])
        cursor.execute("ALTER TABLE documents ENABLE TRIGGER number_change")
    assert kinds(follow(caller, "")[0]) == {str(document.pk): False}
    with tenant_scope(library.person.tenant_id):
        assert Document.objects.get().changed_in < 10**15
