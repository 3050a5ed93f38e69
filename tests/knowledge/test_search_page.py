"""Trying a search in the console."""

from __future__ import annotations

from django.urls import reverse

from knowledge.services.tags import tag_documents
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
