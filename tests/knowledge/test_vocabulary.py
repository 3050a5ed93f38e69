"""Tags: one spelling, renaming, merging, and rules on what is there already."""

from __future__ import annotations

import pytest

from core.isolation.scope import tenant_scope
from knowledge.errors import TagExistsError, TagRuleInvalidError
from knowledge.models import Chunk, IngestionJob, Tag, TagRule
from knowledge.services.applied_rules import apply_rules, try_rule
from knowledge.services.tags import tag_documents
from knowledge.services.vocabulary import merge_tags, rename_tag
from tests.knowledge.libraries import BEES, RIVERS, Library, make_tag, sources


def names(library: Library) -> set[str]:
    with tenant_scope(library.tenant_id):
        return set(Tag.objects.values_list("tag", flat=True))


def tag(library: Library, name: str) -> Tag:
    with tenant_scope(library.tenant_id):
        found: Tag = Tag.objects.select_related("reference").get(tag=name)
        return found


def test_a_tag_has_one_spelling(library: Library):
    document = library.add("bees.md", f"---\ntags: [Insects, INSECTS]\n---\n{BEES}")
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["insects", "Honey", "HONEY"])
    assert names(library) == {"Insects", "Honey"}
    assert sources(library.find("honey bees")[0]) == {"Insects": "manual", "Honey": "manual"}


def test_renamed_tag_keeps_what_has_it(library: Library):
    document = library.add("bees.md", BEES)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["insets", "honey"])
    rename_tag(actor=library.person.actor, tag=tag(library, "insets"), name="insects")
    assert [hit.document_id for hit in library.find("bees", tags_any=("insects",))] == [document.pk]
    with tenant_scope(library.tenant_id):
        assert Chunk.objects.get(document=document).tags_text == ["honey", "insects"]
    with pytest.raises(TagExistsError):
        rename_tag(actor=library.person.actor, tag=tag(library, "insects"), name="HONEY")
    # What still says the old name means the renamed tag; files that say the new one are read as before.
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["insets"])
    library.add("wasps.md", f"---\ntags: [insects]\n---\n{BEES} Wasps.")
    assert names(library) == {"insects", "honey"}


def test_merged_tags_are_one_for_passages_searches_and_rules(library: Library):
    bees, rivers = library.add("bees.md", BEES), library.add("rivers.md", RIVERS)
    actor = library.person.actor
    tag_documents(actor=actor, document_ids=[bees.pk, rivers.pk], tags=["nature"])
    tag_documents(actor=actor, document_ids=[bees.pk], tags=["wild life"])
    old, into = tag(library, "wild life"), tag(library, "nature")
    with tenant_scope(library.tenant_id):
        for one, pattern in ((old, "wasp"), (old, "bee"), (into, "bee")):
            TagRule.objects.create(tag=one, pattern=pattern)
    assert merge_tags(actor=actor, tags=[old, into], into=into) == 1
    assert names(library) == {"nature"}
    found = library.find("bees and rivers", tags_any=("nature",))
    assert {hit.document_id for hit in found} == {bees.pk, rivers.pk}
    assert sources(found[0]) == {"nature": "manual"}
    with tenant_scope(library.tenant_id):
        assert set(TagRule.objects.values_list("pattern", flat=True)) == {"wasp", "bee"}


def test_rule_is_tried_and_applied_without_reading_again(library: Library):
    bees, rivers = library.add("bees.md", BEES), library.add("rivers.md", RIVERS)
    actor, word = library.person.actor, make_tag(library, "insects")
    trial = try_rule(actor=actor, reference_id=library.reference.pk, kind="keyword", pattern="honey")
    assert (trial.examined, trial.found, trial.documents, trial.is_complete) == (2, 1, 1, True)
    assert trial.passages[0].document_id == bees.pk
    with pytest.raises(TagRuleInvalidError):
        try_rule(actor=actor, reference_id=library.reference.pk, kind="regex", pattern="(")
    with tenant_scope(library.tenant_id):
        rule = TagRule.objects.create(tag=word, pattern="honey")
    jobs = library.jobs(bees)
    assert apply_rules(actor=actor, document_ids=[bees.pk, rivers.pk]) == 2
    (hit,) = library.find("bees", tags_any=("insects",))
    assert (hit.document_id, sources(hit)) == (bees.pk, {"insects": "rule"})
    with tenant_scope(library.tenant_id):
        rule.delete()
    apply_rules(actor=actor, document_ids=[bees.pk, rivers.pk])
    assert library.find("bees", tags_any=("insects",)) == []
    assert library.jobs(bees) == jobs


def test_rule_takes_no_tag_that_a_person_gave(library: Library):
    document = library.add("bees.md", BEES)
    tag_documents(actor=library.person.actor, document_ids=[document.pk], tags=["insects"])
    with tenant_scope(library.tenant_id):
        TagRule.objects.create(tag=tag(library, "insects"), pattern="honey")
    apply_rules(actor=library.person.actor, document_ids=[document.pk])
    assert sources(library.find("bees")[0]) == {"insects": "manual"}
    with tenant_scope(library.tenant_id):
        assert not IngestionJob.objects.filter(state="queued").exists()
