"""Tags from every source, and where they came from."""

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
from knowledge.models import RuleKind, Tag, TagRule
from knowledge.pipeline.values import tag_id
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search
from knowledge.services.changing import reindex_documents
from knowledge.services.tags import tag_chunks, tag_documents, untag_chunks, untag_documents
from knowledge.storage.folders import uploads_in
from knowledge.storage.values import Upload
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, process
from tests.knowledge.test_recovery import before


def make_tag(library: Library, name: str, **facts: object) -> Tag:
    with tenant_scope(library.tenant_id):
        pk = tag_id(library.reference.pk, name)
        tag: Tag = Tag.objects.create(pk=pk, reference=library.reference, tag=name, **facts)
    return tag


def sources(passage: FoundChunk) -> dict[str, str]:
    return {tag.tag: tag.source for tag in passage.tags}


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
def test_rules(library: Library, kind: RuleKind, pattern: str, matches: bool) -> None:
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
    (passage,) = library.find("bees", metadata={"year": {"gte": 1900, "lt": 1930}})
    assert sources(passage)["insects"] == "import"
    assert library.find("bees", metadata={"year": 1928}) == []


def test_inherited_tags_go_to_every_passage(library: Library) -> None:
    make_tag(library, "zzz", inherited=True)
    library.add("bees.md", BEES)
    assert sources(library.find("bees")[0])["zzz"] == "inherited"


def test_ai_tags_carry_the_cosine_as_confidence(library: Library) -> None:
    make_tag(library, "insects", description="bees, ants and their colonies")
    make_tag(library, "tax law")
    library.add("bees.md", BEES)
    (tag,) = library.find("bees")[0].tags
    assert (tag.tag, tag.source) == ("insects", "ai")
    assert 0.35 <= tag.confidence < 1


def test_tags_by_hand_are_found_at_once_and_outlast_generations(library: Library) -> None:
    document = library.add("bees.md", BEES)
    library.add("rivers.md", RIVERS)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    assert [hit.document_id for hit in library.find("water", tags_any=("mine",))] == [document.pk]
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    library.work()
    assert sources(library.find("water", tags_any=("mine",))[0]) == {"mine": "manual"}
    untag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
    assert library.find("water", tags_any=("mine",)) == []


def test_a_passage_tagged_by_hand_keeps_its_tag_while_its_text_stays(library: Library) -> None:
    document = library.add("bees.md", BEES)
    passage = library.find("bees")[0]
    tag_chunks(actor=library.person.actor, chunk_ids=[passage.chunk_id], tags=["exactly this"])
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    library.work()
    (passage, *_) = library.find("bees")
    assert sources(passage) == {"exactly this": "manual"}
    untag_chunks(actor=library.person.actor, chunk_ids=[passage.chunk_id], tags=["exactly this"])
    assert library.find("bees", tags_any=("exactly this",)) == []


def test_tags_given_while_a_new_generation_is_made_are_not_lost(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = library.add("bees.md", BEES)
    (passage,) = library.find("bees")
    reindex_documents(actor=library.person.actor, document_ids=[document.pk])
    batch = claim(library.tenant_id)

    def tag_both() -> None:
        tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["mine"])
        tag_chunks(actor=library.person.actor, chunk_ids=[passage.chunk_id], tags=["exactly this"])

    before(monkeypatch, ingest, "publish", tag_both)
    process(library.tenant_id, batch)
    monkeypatch.undo()
    library.work()
    assert sources(library.find("bees")[0]) == {"mine": "manual", "exactly this": "manual"}


def test_space_around_a_tag_is_no_part_of_it(library: Library) -> None:
    document = library.add("bees.md", BEES)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=[" mine "])
    assert sources(library.find("bees")[0]) == {"mine": "manual"}


def test_a_changed_sidecar_is_a_change(library: Library) -> None:
    library.folder.joinpath("bees.md").write_text(BEES)
    sidecar = library.folder.joinpath("bees.md.meta.json")
    outcomes = []
    for facts in ({"metadata": {"year": 1927}}, {"metadata": {"year": 1930}}, {"tags": ["insects"]}) * 2:
        sidecar.write_text(json.dumps(facts))
        uploads = [upload for upload in uploads_in([library.folder]) if isinstance(upload, Upload)]
        outcomes += [added.outcome.value for added in library.queue(*uploads)]
        library.work()
    assert outcomes == ["added", "updated", "updated", "updated", "updated", "unchanged"]
    (passage,) = library.find("bees", metadata={"year": 1930})
    assert sources(passage)["insects"] == "import"


def test_a_tag_that_leaves_the_sidecar_goes_but_not_one_by_hand(library: Library) -> None:
    library.folder.joinpath("bees.md").write_text(BEES)
    sidecar = library.folder.joinpath("bees.md.meta.json")
    found: list[tuple[str, dict[str, str]]] = []
    for said in (["insects", "honey", "mine"], ["insects"], ["insects"], [], None):
        sidecar.write_text(json.dumps({} if said is None else {"tags": said}))
        (upload,) = uploads_in([library.folder])
        assert isinstance(upload, Upload)
        (added,) = library.queue(upload)
        library.work()
        if not found:
            tag_documents(actor=library.person.actor, document_ids=[added.document_id], tags=["mine"])
        said_by = sources(library.find("bees")[0])
        found.append((added.outcome.value, {tag: by for tag, by in said_by.items() if by != "ai"}))
    manual_tags = {"mine": "manual"}
    assert found == [
        ("added", {"insects": "import", "honey": "import", "mine": "manual"}),
        ("updated", {"insects": "import"} | manual_tags),
        ("unchanged", {"insects": "import"} | manual_tags),
        ("updated", manual_tags),
        ("unchanged", manual_tags),
    ]


def test_of_two_changes_at_once_the_later_stays(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = library.add("bees.md", BEES)
    tag = partial(tag_documents, actor=library.person.actor, document_ids=[document.pk])
    untag = partial(untag_documents, actor=library.person.actor, document_ids=[document.pk])
    tag(tags=["gone"])
    store, later = vector_store(), [lambda: untag(tags=["gone"])]
    real = store.set_tags

    def overtaken(*args: Any) -> None:
        """Between a commit and its write, somebody else commits and writes."""
        while later:
            later.pop()()
        real(*args)

    monkeypatch.setattr(store, "set_tags", overtaken)
    tag(tags=["mine"])
    assert [hit.document_id for hit in library.find("bees", tags_all=("mine",))] == [document.pk]
    assert library.find("bees", tags_any=("gone",)) == []


def test_tagging_many_takes_as_many_statements_as_tagging_one(library: Library) -> None:
    ids = [added.document_id for added in library.queue(*(library.upload(f"{n}.md", BEES) for n in range(9)))]
    library.work()

    def statements(change: Callable[..., int], some: list[UUID]) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert change(actor=library.person.actor, document_ids=some, tags=["mine", "ours"]) == len(some)
        return len(queries)

    for change in (tag_documents, untag_documents):
        assert statements(change, ids[:1]) == statements(change, ids[1:])


def test_any_all_and_none(library: Library) -> None:
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
def test_silly_limits_are_refused(library: Library, limit: int) -> None:

    with pytest.raises(FilterInvalidError, match="1 to 1000"):
        search(actor=library.person.actor, query="x", limit=limit)
