"""Rules and vocabularies take bounded time, whatever they contain, and say so."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.models import AuditLog
from core.isolation.scope import tenant_scope
from core.limits import Limit
from engines.embedding import TextRole, Vectors
from jobs import progress
from knowledge import pipeline
from knowledge.engine_config import default_embedder
from knowledge.ingestion import vocabulary
from knowledge.models import RuleKind, Tag, TagRule
from knowledge.pipeline import rules, tagging
from knowledge.pipeline.values import Rule, VocabularyTag
from knowledge.services.references import delete_references
from tests.knowledge.interruptions import before, delete
from tests.knowledge.libraries import BEES, RIVERS, Library, claim, make_tag, process, sources
from tests.support.api_client import Caller, assert_problem

EXPONENTIAL = "(?:(?:x|x)+)+[^x 0]$"


def make_rules(library: Library, *patterns: str, kind: RuleKind = RuleKind.REGEX) -> list[TagRule]:
    with tenant_scope(library.tenant_id):
        tag = Tag.objects.filter(tag="zzz").first() or make_tag(library, "zzz")
        return [TagRule.objects.create(tag=tag, kind=kind, pattern=pattern) for pattern in patterns]


def test_patterns_that_made_other_engines_backtrack_are_fast(library: Library):
    make_rules(library, *(f"{EXPONENTIAL}|y{number}" for number in range(20)))
    began = time.thread_time()
    documents = [library.upload(f"{n}.md", f"{'x' * 40} " * 1200) for n in range(6)]
    library.queue(*documents)
    library.work()
    assert {document.processed_status for document in library.documents().values()} == {"done"}
    assert time.thread_time() - began < 20
    with tenant_scope(library.tenant_id):
        assert not TagRule.objects.exclude(switched_off="").exists()


def test_rule_that_uses_up_the_budget_is_switched_off_until_it_is_saved(
    library: Library, caller: Caller, monkeypatch: pytest.MonkeyPatch
):
    (rule,) = make_rules(library, "[Bb]ees")
    monkeypatch.setattr(rules, "BUDGET_SECONDS", 0)
    assert library.add("bees.md", BEES).processed_status == "done"
    monkeypatch.undo()
    shown = caller.get(f"tag-rules/{rule.pk}/").json()
    assert shown["switched_off"].startswith("It took too long for “bees.md”.")
    with tenant_scope(library.tenant_id):
        event = AuditLog.objects.get(action="tag_rule.switched_off", object_id=rule.pk)
        assert event.payload_json["new"]["pattern"] == "[Bb]ees"
    library.add("rivers.md", f"{RIVERS} Bees drink from them.")
    assert sources(library.find("Danube")[0]) == {}
    assert caller("patch", f"tag-rules/{rule.pk}/", {"pattern": "Bees"}).json()["switched_off"] == ""
    library.add("drinks.md", f"{RIVERS} Bees drink from them, too.")
    assert {"zzz": "rule"} in [sources(chunk) for chunk in library.find("Danube")]


def test_slow_rules_are_stopped_and_the_others_go_on_within_three_budgets(monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(1000))
    monkeypatch.setattr(rules, "thread_time", lambda: next(clock) * 6.0)
    ids = [uuid4() for _ in range(4)]
    words = [
        VocabularyTag(id=uuid4(), tag=str(number), rules=(Rule(id=pk, kind="regex", pattern="never"),))
        for number, pk in enumerate(ids)
    ]
    document = rules.DocumentRules(words, "long.md")
    for _ in range(20):
        document.matching("a passage")
    assert set(document.stopped) == set(ids)
    assert next(clock) <= 2 * rules.BUDGETS * 2  # two calls of the clock for each of two searches in a budget


@pytest.mark.parametrize(
    "pattern",
    [
        "a(?=b)",
        r"(a)\1",
        "(?V1)[[[",
        "(" * 450 + "a" + ")" * 450 + "(",
        "(?:[a-w]{50}){e<=45}++",
        r"\bété\b",
        "x{1001}",
    ],
    ids=lambda pattern: pattern[:12],
)
def test_unsupported_pattern_is_explained(pattern: str, library: Library, caller: Caller):
    tag = make_tag(library, "zzz")
    response = caller.post("tag-rules/", {"tag": str(tag.pk), "kind": "regex", "pattern": pattern})
    problem = assert_problem(response, 422, "tag_rule_invalid")
    assert problem["detail"].startswith("This is not a regular expression that OYL supports: ")


def test_stored_rule_that_is_not_supported_is_switched_off(library: Library, caller: Caller):
    (rule,) = make_rules(library, "a(?=b)")
    assert library.add("bees.md", BEES).processed_status == "done"
    assert "invalid perl operator" in caller.get(f"tag-rules/{rule.pk}/").json()["switched_off"]


@pytest.mark.parametrize(
    ("keyword", "text", "matches"),
    [
        ("ÉTÉ", "Cet été, il fait beau.", True),
        ("été", "Les étés sont chauds.", False),
        ("夏", "夏 is summer.", True),
        ("C++", "We write C++ here.", True),
        ("a.c", "abc", False),
    ],
)
def test_keywords_are_whole_words_in_any_script(keyword: str, text: str, matches: bool):
    assert (rules.compile_rule("keyword", keyword).search(text.encode()) is not None) is matches


def test_deleting_the_reference_ends_the_tagging(library: Library, monkeypatch: pytest.MonkeyPatch):
    make_rules(library, "Bees")
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0)
    searched: list[str] = []
    before(monkeypatch, rules.DocumentRules, "matching", lambda: searched.append("a passage"))
    library.queue(library.upload("bees.md", BEES), library.upload("rivers.md", RIVERS))
    batch = claim(library.tenant_id)
    delete = delete_references
    before(
        monkeypatch,
        pipeline,
        "tag",
        lambda: delete(actor=library.person.actor, references=[library.reference]),
    )
    process(library.tenant_id, batch)
    assert searched == []


def test_deleted_document_of_a_batch_is_not_tagged_any_further(
    library: Library, monkeypatch: pytest.MonkeyPatch
):
    make_rules(library, "Bees")
    monkeypatch.setattr(progress, "REPORT_SECONDS", 0)
    parts = "\n\n".join(f"# Part {n}\n\n{BEES * 30}" for n in range(5))
    added = library.queue(library.upload("bees.md", parts), library.upload("rivers.md", RIVERS))
    searched: list[str] = []
    matching = rules.DocumentRules.matching

    def delete_while_matching(own: rules.DocumentRules, text: str) -> list[VocabularyTag]:
        searched.append(own._filename)
        if own._filename == "bees.md" and searched.count("bees.md") == 1:
            delete(library, added[0].document_id)
        return matching(own, text)

    monkeypatch.setattr(rules.DocumentRules, "matching", delete_while_matching)
    library.work()
    assert sorted(searched) == ["bees.md", "rivers.md"]
    assert {name: one.processed_status for name, one in library.documents().items()} == {"rivers.md": "done"}
    assert library.points(library.document(added[0].document_id)) == []


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ([f"t{number}" for number in range(101)], "These are 101 tags. Give at most 100 at a time."),
        (["a\0b"], "A text has a NUL character"),
        (["\ud800"], "half of a surrogate pair"),
    ],
    ids=["many", "nul", "surrogate"],
)
def test_sidecar_with_bad_tags_is_refused_and_leaves_no_file(
    tags: list[str], says: str, library: Library, caller: Caller
):
    sidecar = SimpleUploadedFile("bees.md.meta.json", json.dumps({"tags": tags}).encode())
    files = [SimpleUploadedFile("bees.md", BEES.encode()), sidecar]
    problem = assert_problem(
        caller.upload(reference=str(library.reference.pk), files=files), 422, "upload_invalid"
    )
    assert says in problem["detail"]
    folder = settings.LAYOUT.files / "tenants" / str(library.tenant_id)
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_full_vocabulary_refuses_uploads_and_leaves_out_the_tags_of_files(
    library: Library, caller: Caller, monkeypatch: pytest.MonkeyPatch
):
    make_tag(library, "known")
    monkeypatch.setattr(Tag, "limit", Limit(2, "reference"))
    monkeypatch.setattr(tagging, "MAX_VOCABULARY", 2)
    files = [SimpleUploadedFile("bees.md", BEES.encode())]
    response = caller.upload(reference=str(library.reference.pk), files=files, tags=["a", "b"])
    assert_problem(response, 409, "limit_reached")
    folder = settings.LAYOUT.files / "tenants" / str(library.tenant_id)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    library.add("bees.md", f"---\ntags: [known, new, newer]\n---\n{BEES}")
    assert sources(library.find("bees")[0]) == {"known": "import", "new": "import"}


def test_words_are_embedded_once_and_large_vocabularies_are_not_compared(
    library: Library, monkeypatch: pytest.MonkeyPatch
):
    make_tag(library, "insects", description="bees, ants and their colonies")
    make_tag(library, "tax law")
    embedder, texts = default_embedder(), list[str]()
    embed = embedder.embed

    def watched(tenant_id: UUID, given: Sequence[str], role: TextRole) -> Vectors:
        texts.extend(given)
        return embed(tenant_id, given, role)

    monkeypatch.setattr(embedder, "embed", watched)
    library.add("bees.md", BEES)
    assert {"insects: bees, ants and their colonies", "tax law"} <= set(texts)
    texts.clear()
    library.add("rivers.md", RIVERS)
    assert len(texts) == 1
    monkeypatch.setattr(vocabulary, "MAX_AI_VOCABULARY", 1)
    library.add("more.md", BEES.replace("flowers", "blossoms"))
    by_file = {chunk.filename: sources(chunk) for chunk in library.find("bees")}
    assert (by_file["bees.md"], by_file["more.md"]) == ({"insects": "ai"}, {})
