"""Trying a search in the console."""

from __future__ import annotations

from uuid import uuid4

from django.urls import reverse

from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import EvaluationCase, EvaluationRun, EvaluationSet
from knowledge.services.tags import tag_documents
from tests.conftest import Person, make_member
from tests.knowledge.libraries import BEES, RIVERS, Library


def searched(library: Library, **form: str) -> str:
    page: str = library.person.client.get(reverse("admin:try_search"), form).content.decode()
    return page


def test_words_are_marked_and_lead_to_the_passage(library: Library):
    library.add("bees.md", BEES)
    page = searched(library, query="where do honey bees dance")
    assert '<mark class="oyl-found">dance</mark>' in page and "/in-document" in page
    assert '<mark class="oyl-found">their</mark>' not in page


def test_modes_stand_side_by_side(library: Library):
    library.add("bees.md", BEES)
    page = searched(library, query="honey bees", compare="on")
    titles = ("Meaning and words", "Meaning only (dense)", "Words only (sparse)")
    assert all(f'<section aria-label="{title}">' in page for title in titles)


def test_unlikely_passages_are_set_apart(library: Library):
    library.add("bees.md", BEES)
    library.add("rivers.md", RIVERS)
    page = searched(library, query="Where do honey bees dance?", min_score="0")
    before, _, after = page.partition("it is unlikely that passages answer")
    assert "bees.md" in before and "rivers.md" in after


def test_page_says_why_a_document_was_not_found(library: Library):
    bees, _ = library.add("bees.md", BEES), library.add("rivers.md", RIVERS)
    library.add("broken.pdf", b"%PDF-1.4 cut off")
    tag_documents(actor=library.person.actor, document_ids=[bees.pk], tags=["insects"])
    query = {"query": "honey bees dance", "tags": "insects"}
    assert "bees.md: its best passage is at place 1" in searched(library, **query, expected="bees")
    assert "rivers.md: the filters keep it away" in searched(library, **query, expected="rivers.md")
    assert "broken.pdf: it is not read" in searched(library, **query, expected="broken")
    assert "There is no document of this name" in searched(library, **query, expected="wasps")


def marked(library: Library, query: str, **form: str) -> str:
    """The page after one press on the button of a hit."""
    page = library.person.client.post(
        reverse("admin:expect_document"), {"search": query, **form}, follow=True
    )
    return str(page.content.decode())


def test_one_click_saves_the_question_with_a_document_that_should_be_found(library: Library):
    bees, rivers = library.add("bees.md", BEES), library.add("rivers.md", RIVERS)
    query = f"query=where+do+honey+bees+dance&min_score=0&references={library.reference.pk}"
    assert "Should be found" in searched(library, query="honey bees")
    page = marked(library, query, expect=str(bees.pk))
    assert "Saved questions expects 1 document for this question" in page and "✓ Expected" in page
    with tenant_scope(library.tenant_id):
        chosen = str(EvaluationSet.objects.get().pk)
    assert f'<option value="{chosen}" selected>' in page, "the next press goes into the same set"
    marked(library, query, expect=str(rivers.pk), evaluation_set=chosen)
    assert expected_documents(library) == [str(bees.pk), str(rivers.pk)]
    marked(library, query, unexpect=str(rivers.pk), evaluation_set=chosen)
    assert expected_documents(library) == [str(bees.pk)]
    assert "no such document" in marked(library, query, expect=str(uuid4()))
    assert "✓ Expected" not in searched(library, query="honey bees", evaluation_set=chosen)


def expected_documents(library: Library) -> list[str]:
    with tenant_scope(library.tenant_id):
        case = EvaluationCase.objects.get()
        assert case.question == "where do honey bees dance"
        return [one["document"] for one in case.expected_json]


def test_viewers_and_strangers_save_no_question(library: Library, stranger: Person):
    bees = library.add("bees.md", BEES)
    viewer, form = (
        make_member(library.tenant_id, Role.VIEWER).client,
        {"search": "query=bees", "expect": str(bees.pk)},
    )
    assert b"Should be found" not in viewer.get(reverse("admin:try_search"), {"query": "bees"}).content
    assert viewer.post(reverse("admin:expect_document"), form).status_code == 403
    refused = stranger.client.post(reverse("admin:expect_document"), form, follow=True)
    assert b"no such document" in refused.content


def test_a_set_is_run_by_two_settings_and_compared_over_time(library: Library):
    bees = library.add("bees.md", BEES)
    marked(library, "query=insects+that+make+honey", expect=str(bees.pk))
    with tenant_scope(library.tenant_id):
        address = reverse("admin:evaluation_figures", args=[EvaluationSet.objects.get().pk])
    client, both = library.person.client, {"setting": "hybrid", "other": "sparse"}
    assert b"was not run by this setting yet" in client.get(address).content
    client.post(address, {**both, "do": "run"})
    page = client.post(address, {**both, "do": "run"}, follow=True).content.decode()
    assert "Meaning and words: places" in page and "Words only: places" in page and "bees.md" in page
    assert "+0.000" in page, "both find the only document"
    with tenant_scope(library.tenant_id):
        assert EvaluationRun.objects.count() == 4
    assert "Words only" in client.get(address, both).content.decode()
    assert client.get(address, {"setting": "nonsense"}).status_code == 200
    client.post(address, {**both, "do": "show"})
    with tenant_scope(library.tenant_id):
        assert EvaluationRun.objects.count() == 4
