"""Tags from every source."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.isolation.scope import tenant_scope
from knowledge.engine_config import vector_store
from knowledge.errors import FilterInvalidError
from knowledge.ingestion import ingest
from knowledge.models import RuleKind, Tag, TagRule, TagSource
from knowledge.search.service import search
from knowledge.services.changing import reindex_documents
from knowledge.services.tags import tag_chunks, tag_documents, untag_chunks, untag_documents
from knowledge.storage.folders import uploads_in
from knowledge.storage.values import Upload
from tests.knowledge.interruptions import before
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, make_tag, process, sources


@pytest.mark.parametrize(
    ("kind", "pattern", "matches"),
    [
        (RuleKind.KEYWORD, "HONEY bees", True),
        (RuleKind.KEYWORD, "bee", False),
        (RuleKind.REGEX, r"flowers? are", True),
        (RuleKind.REGEX, r"FLOWERS", False),
        (RuleKind.REGEX, r"(unclosed", False),
        (RuleKind.REGEX, r"(\w+\s?)+!", False),
    ],
)
def test_rule_tags_the_chunks_that_it_matches(
    library: Library, kind: RuleKind, pattern: str, matches: bool
) -> None:
    tag = make_tag(library, "zzz")
    with tenant_scope(library.tenant_id):
        TagRule.objects.create(tag=tag, kind=kind, pattern=pattern)
    library.add("bees.md", BEES)
    assert (sources(library.find("bees")[0]).get("zzz") == "rule") is matches


def test_tags_from_front_matter_are_imported(library: Library) -> None:
    library.add("bees.md", f"---\ntags: [insects, honey]\n---\n{BEES}")
    assert sources(library.find("bees")[0]) == {"insects": "import", "honey": "import"}
    with tenant_scope(library.tenant_id):
        assert set(Tag.objects.values_list("tag", "source")) == {("insects", "import"), ("honey", "import")}


def test_tags_and_metadata_from_a_sidecar(library: Library) -> None:
    library.folder.joinpath("bees.md").write_text(BEES)
    sidecar = {"tags": ["insects"], "metadata": {"year": 1927}}
    library.folder.joinpath("bees.md.meta.json").write_text(json.dumps(sidecar))
    (upload,) = uploads_in([library.folder])
    assert isinstance(upload, Upload)
    library.queue(upload)
    library.work()
    (chunk,) = library.find("bees", metadata={"year": {"gte": 1900, "lt": 1930}})
    assert sources(chunk)["insects"] == "import"
    assert library.find("bees", metadata={"year": 1928}) == []


def test_inherited_tags_go_to_every_chunk(library: Library) -> None:
    make_tag(library, "zzz", inherited=True)
    library.add("bees.md", BEES)
    assert sources(library.find("bees")[0])["zzz"] == "inherited"


def test_ai_tags_have_the_cosine_as_confidence(library: Library) -> None:
    make_tag(library, "insects", description="bees, ants and their colonies")
    make_tag(library, "tax law")
    library.add("bees.md", BEES)
    (tag,) = library.find("bees")[0].tags
    assert (tag.tag, tag.source) == ("insects", "ai")
    assert 0.35 <= tag.confidence < 1


@pytest.mark.parametrize("source", TagSource)
def test_first_source_in_the_order_takes_precedence(library: Library, source: TagSource) -> None:
    """A new and a reindexed document has a tag from the first of the sources that assign it: here `source` and all that
    follow it."""
    assigning = list(TagSource)[list(TagSource).index(source) :]
    front_matter = "---\ntags: [insects]\n---\n"
    tag = make_tag(
        library,
        "insects",
        description="bees, ants and their colonies" if TagSource.AI in assigning else "",
        inherited=TagSource.INHERITED in assigning,
    )
    if TagSource.RULE in assigning:
        with tenant_scope(library.tenant_id):
            TagRule.objects.create(tag=tag, kind=RuleKind.KEYWORD, pattern="honey bees")
    document = library.add(
        "bees.md",
        front_matter + BEES if TagSource.IMPORT in assigning else BEES,
        tags=("insects",) if TagSource.WORKFLOW in assigning else None,
        tag_source=source if source is TagSource.WORKFLOW else TagSource.MANUAL,
    )
    assert sources(library.find("bees")[0]) == {"insects": source}
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    library.work()
    assert sources(library.find("bees")[0]) == {"insects": source}


def test_manual_tags_survive_reindexing(library: Library) -> None:
    document = library.add("bees.md", BEES)
    library.add("rivers.md", RIVERS)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    assert [hit.document_id for hit in library.find("water", tags_any=("mine",))] == [document.pk]
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    library.work()
    assert sources(library.find("water", tags_any=("mine",))[0]) == {"mine": "manual"}
    untag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    assert library.find("water", tags_any=("mine",)) == []


def test_manual_chunk_tags_survive_reindexing(library: Library) -> None:
    document = library.add("bees.md", BEES)
    chunk = library.find("bees")[0]
    tag_chunks(actor=library.person.actor, chunk_ids=[chunk.chunk_id], tags=["exactly this"])
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    library.work()
    (chunk, *_) = library.find("bees")
    assert sources(chunk) == {"exactly this": "manual"}
    untag_chunks(actor=library.person.actor, chunk_ids=[chunk.chunk_id], tags=["exactly this"])
    assert library.find("bees", tags_any=("exactly this",)) == []


def test_tags_set_during_ingestion_are_not_lost(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = library.add("bees.md", BEES)
    (chunk,) = library.find("bees")
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    batch = claim(library.tenant_id)

    def tag_both() -> None:
        tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
        tag_chunks(actor=library.person.actor, chunk_ids=[chunk.chunk_id], tags=["exactly this"])

    before(monkeypatch, ingest, "publish", tag_both)
    process(library.tenant_id, batch)
    monkeypatch.undo()
    library.work()
    assert sources(library.find("bees")[0]) == {"mine": "manual", "exactly this": "manual"}


def test_tag_names_are_stripped(library: Library) -> None:
    document = library.add("bees.md", BEES)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=[" mine "])
    assert sources(library.find("bees")[0]) == {"mine": "manual"}


def test_changed_sidecar_updates_the_document(library: Library) -> None:
    library.folder.joinpath("bees.md").write_text(BEES)
    sidecar = library.folder.joinpath("bees.md.meta.json")
    outcomes = []
    for content in ({"metadata": {"year": 1927}}, {"metadata": {"year": 1930}}, {"tags": ["insects"]}) * 2:
        sidecar.write_text(json.dumps(content))
        uploads = [upload for upload in uploads_in([library.folder]) if isinstance(upload, Upload)]
        outcomes += [added.outcome.value for added in library.queue(*uploads)]
        library.work()
    assert outcomes == ["added", "updated", "updated", "updated", "updated", "unchanged"]
    (chunk,) = library.find("bees", metadata={"year": 1930})
    assert sources(chunk)["insects"] == "import"


def test_removed_sidecar_tags_go_but_manual_tags_stay(library: Library) -> None:
    library.folder.joinpath("bees.md").write_text(BEES)
    sidecar = library.folder.joinpath("bees.md.meta.json")
    results: list[tuple[str, dict[str, str]]] = []
    for names in (["insects", "honey", "mine"], ["insects"], ["insects"], [], None):
        sidecar.write_text(json.dumps({} if names is None else {"tags": names}))
        (upload,) = uploads_in([library.folder])
        assert isinstance(upload, Upload)
        (added,) = library.queue(upload)
        library.work()
        if not results:
            tag_documents(actor=library.person.actor, document_ids=[added.document_id], tags=["mine"])
        by_tag = sources(library.find("bees")[0])
        others = {tag: source for tag, source in by_tag.items() if source != "ai"}
        results.append((added.outcome.value, others))
    manual_tags = {"mine": "manual"}
    assert results == [
        ("added", {"insects": "import", "honey": "import", "mine": "manual"}),
        ("updated", {"insects": "import"} | manual_tags),
        ("unchanged", {"insects": "import"} | manual_tags),
        ("updated", manual_tags),
        ("unchanged", manual_tags),
    ]


def test_later_of_two_concurrent_tag_changes_wins(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = library.add("bees.md", BEES)
    tag = partial(tag_documents, actor=library.person.actor, document_ids=[document.pk])
    untag = partial(untag_documents, actor=library.person.actor, document_ids=[document.pk])
    tag(tags=["gone"])
    store, concurrent = vector_store(), [lambda: untag(tags=["gone"])]
    set_tags = store.set_tags

    def set_tags_late(*args: Any) -> None:
        """Another change commits and writes between this one's commit and its write."""
        while concurrent:
            concurrent.pop()()
        set_tags(*args)

    monkeypatch.setattr(store, "set_tags", set_tags_late)
    tag(tags=["mine"])
    assert [hit.document_id for hit in library.find("bees", tags_all=("mine",))] == [document.pk]
    assert library.find("bees", tags_any=("gone",)) == []


def test_statement_count_does_not_grow_with_documents(library: Library) -> None:
    ids = [added.document_id for added in library.queue(*(library.upload(f"{n}.md", BEES) for n in range(9)))]
    library.work()
    for name in ("mine", "ours"):
        make_tag(library, name)

    def statements(service: Callable[..., int], document_ids: list[UUID]) -> int:
        with CaptureQueriesContext(connection) as queries:
            count = service(actor=library.person.actor, document_ids=document_ids, tags=["mine", "ours"])
        assert count == len(document_ids)
        return len(queries)

    for service in (tag_documents, untag_documents):
        assert statements(service, ids[:2]) == statements(service, ids[2:])


def test_tag_filters(library: Library) -> None:
    library.add("a.md", f"---\ntags: [x, y]\n---\n{BEES}")
    library.add("b.md", f"---\ntags: [y]\n---\n{RIVERS}")

    def names(**filters: object) -> set[str]:
        return {hit.filename for hit in library.find("nature", **filters)}

    assert names(tags_any=("x", "nonesuch")) == {"a.md"}
    assert names(tags_any=("x", "y")) == {"a.md", "b.md"}
    assert names(tags_all=("x", "y")) == {"a.md"}
    assert names(tags_all=("x", "nonesuch")) == set()
    assert names(tags_none=("x",)) == {"b.md"}


@pytest.mark.parametrize("limit", [0, 1001])
def test_search_limit_out_of_range_is_refused(library: Library, limit: int) -> None:
    with pytest.raises(FilterInvalidError, match="1 to 1000"):
        search(actor=library.person.actor, query="x", limit=limit)
