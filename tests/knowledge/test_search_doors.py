"""Questions through all doors: REST, the routes for OpenAI's clients, the admin's page and the command."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.management import call_command

from tests.knowledge.commands import run
from tests.knowledge.libraries import BEES, RIVERS, Library

# Notices that differ in a word, and orders that differ in a number.
NOTICE = """Notice to all members of the club: the hall stays closed during the {} holidays, and opens again after them. Keys
are with the porter.
"""
ORDER = """Order {} was packed in hall 3, checked by the foreman, and handed over to the carrier before noon of the same day.
"""
Door = Callable[[Library, str], list[str]]


def by_rest(library: Library, query: str) -> list[str]:
    answer = library.person.client.post("/api/v1/search/", {"query": query}, content_type="application/json")
    assert answer.status_code == 200
    return [hit["filename"] for hit in answer.json()["results"]]


def by_openai(library: Library, query: str) -> list[str]:
    path = f"/v1/vector_stores/vs_{library.reference.pk.hex}/search"
    answer = library.person.client.post(path, {"query": query}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return [hit["filename"] for hit in answer.json()["data"]]


def by_admin(library: Library, query: str) -> list[str]:
    page = library.person.client.get("/admin/try-search/", {"query": query}).content.decode()
    return re.findall(r'#passage">([^<]+)</a>', page)


def by_command(library: Library, query: str) -> list[str]:
    return [hit["filename"] for hit in json.loads(printed(library, "--json", "--", query))]


def printed(library: Library, *arguments: str) -> str:
    out = io.StringIO()
    call_command("search", "--tenant", str(library.tenant_id), *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("options", [{"score_threshold": True}, {"score_threshold": "0.5"}, {"ranker": 5}])
def test_openai_options_have_types(library: Library, options: dict[str, Any]) -> None:
    path = f"/v1/vector_stores/vs_{library.reference.pk.hex}/search"
    for body in (
        {"ranking_options": options},
        {"rewrite_query": True},
        {"max_num_results": True},
        {"max_num_results": "5"},
    ):
        answer = library.person.client.post(path, {"query": "bees", **body}, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid"), body


@pytest.fixture
def notices(library: Library) -> Library:
    library.queue(
        *(library.upload(f"{name}.txt", NOTICE.format(name)) for name in ("summer", "winter", "autumn"))
    )
    library.queue(*(library.upload(f"order-{number}.txt", ORDER.format(number)) for number in (4711, 4712)))
    library.work()
    return library


@pytest.mark.parametrize("door", [by_rest, by_openai, by_admin, by_command])
def test_questions_have_one_language_at_all_doors(library: Library, door: Door) -> None:
    library.queue(library.upload("bees.md", BEES), library.upload("rivers.md", RIVERS))
    library.work()
    for query, expected in [
        ('"honey bees dance"', ["bees.md"]),
        ('"dance bees"', []),
        ("-honey countries", ["rivers.md"]),
        ("-honey", ["rivers.md"]),
        ("filename:rivers", ["rivers.md"]),
        ("-title:rivers type:md", ["bees.md"]),
        ('unbalanced "danube', ["rivers.md", "bees.md"]),
    ]:
        assert door(library, query) == expected, query


def test_near_identical_passages_are_folded_by_choice(notices: Library) -> None:
    folded = search(notices, {"query": "hall of the club", "fold_similar": True})
    best, *orders = sorted(folded, key=lambda hit: -len(hit["similar"]))
    assert len(best["similar"]) == 2 and len(orders) == 2
    assert all(not order["similar"] for order in orders), "a number tells them apart"
    everything = search(notices, {"query": "hall of the club"})
    assert len(everything) == 5
    assert {best["chunk_id"], *best["similar"]} == {
        hit["chunk_id"] for hit in everything if not hit["filename"].startswith("order")
    }
    assert all(hit["similar"] == [] for hit in everything)


def test_page_and_command_show_what_was_folded_and_why_a_passage_was_found(notices: Library) -> None:
    page = notices.person.client.get("/admin/try-search/", {"query": "club winter", "fold_similar": "on"})
    content = " ".join(re.sub("<[^>]*>", " ", page.content.decode()).split())
    assert "words in text, file name" in content and "and 2 like it: 1 2" in content
    text = printed(notices, "club winter", "--fold-similar")
    assert "words in text, file name" in text and "and 2 like it" in text
    assert "found by its meaning" in printed(notices, "parcel service", "--min-score", "0")


def test_results_say_where_they_have_words_of_the_question(library: Library) -> None:
    html = "<html><head><title>Yearly figures</title></head><body><h1>Sales</h1><p>Twelve tons of pears.</p></body></html>"
    library.add("pear_report.html", html)
    for query, expected in [
        ("pears", ["text", "filename"]),
        ("yearly", ["title"]),
        ("report", ["filename"]),
        ("sales", ["text", "heading"]),
        ('"twelve tons" -apples', ["text"]),
        ("weight of the harvest", []),
    ]:
        (hit,) = search(library, {"query": query, "explain": True, "min_score": 0})
        assert (hit["matched_in"], hit["title"]) == (expected, "Yearly figures"), query


def test_plain_queries_have_no_operators(library: Library) -> None:
    library.add("bees.md", BEES)
    query = '"no such words" -bees dance'
    assert search(library, {"query": query}) == []
    (hit,) = search(library, {"query": query, "operators": False})
    assert hit["filename"] == "bees.md" and "matched_in" not in hit
    for query, expected in [("title:dance", ["text"]), ("-bees", ["text", "heading", "filename"])]:
        (hit,) = search(library, {"query": query, "operators": False, "explain": True, "min_score": 0})
        assert hit["matched_in"] == expected, query


def search(library: Library, body: dict[str, Any]) -> Sequence[dict[str, Any]]:
    answer = library.person.client.post("/api/v1/search/", body, content_type="application/json")
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


NONSENSE = "xqzv brrf wplk"


def test_nonsense_finds_nothing_in_any_door(library: Library) -> None:
    library.add("bees.md", BEES)
    client = library.person.client

    def over_rest(**options: Any) -> list[float]:
        body = {"query": NONSENSE, **options}
        answer = client.post("/api/v1/search/", body, content_type="application/json")
        return [result["score"] for result in answer.json()["results"]]

    assert over_rest() == []
    assert over_rest(query=f"{NONSENSE} -wasps -type:pdf") == []
    assert len(over_rest(query=f"{NONSENSE} type:md -wasps")) == 1  # what was demanded is found
    (score,) = over_rest(min_score=0)
    assert 0 < score < 0.2
    assert over_rest(min_score=score) == [score]
    assert over_rest(min_score=score + 0.001) == []
    assert run("search", NONSENSE, person=library.person) == []
    (hit,) = run("search", NONSENSE, "--min-score", 0, person=library.person)
    assert hit["score"] == score
    page = client.get("/admin/try-search/", {"query": NONSENSE}).content.decode()
    assert "Nothing found" in page
    for relevance, is_found in [("0", True), (str(score), True), (str(score + 0.001), False)]:
        page = client.get("/admin/try-search/", {"query": NONSENSE, "min_score": relevance}).content.decode()
        assert ("bees.md" in page) is is_found, relevance
    for relevance in ("nan", "-1", "2", "inf", "x"):
        page = client.get("/admin/try-search/", {"query": NONSENSE, "min_score": relevance}).content.decode()
        assert "bees.md" not in page and "Nothing found" not in page, relevance
    page = client.get("/admin/try-search/", {"query": "how do honey bees dance"}).content.decode()
    assert "relevance" in page


def test_a_word_is_found_where_it_is_written(library: Library) -> None:
    """However little it says what the passage is about."""
    library.add("bees.md", f"{BEES} A ladder was seen.")
    answer = library.person.client.post(
        "/api/v1/search/", {"query": "ladder"}, content_type="application/json"
    )
    assert len(answer.json()["results"]) == 1


def test_nothing_found_says_that_documents_are_unread(library: Library):
    library.queue(library.upload("bees.md", BEES))
    err = io.StringIO()
    call_command("search", "bees", tenant=str(library.tenant_id), stdout=io.StringIO(), stderr=err)
    assert "1 document is still being read. Search again later." in err.getvalue()
    library.work()
    err.truncate(0)
    call_command("search", "xylophone", tenant=str(library.tenant_id), stdout=io.StringIO(), stderr=err)
    assert "still being read" not in err.getvalue()
