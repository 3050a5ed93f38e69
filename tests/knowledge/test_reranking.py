"""Searches whose best passages a second model orders anew, through all doors."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from engines.vectors import Mode
from knowledge.search.found_chunks import FoundChunk
from knowledge.search.service import search
from tests.conftest import make_owner
from tests.knowledge.libraries import Library, make_library
from tests.support.api_client import Caller, make_caller
from tests.support.model_server import ModelServer, running

QUESTION = "How long is the Danube?"
# The words of the question are in the first one, the answer is in the second.
PASSAGES = {
    "law.md": "The law says how long a ship on the Danube is.",
    "answer.md": "From the Black Forest to the sea it measures 2,850 kilometres, the Danube.",
    "songs.md": "Many songs are about the Danube.",
    "fish.md": "Fish of the Danube are caught in spring.",
}


@pytest.fixture(scope="module")
def rivers(database: None, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Shared: no test changes it."""
    library = make_library(make_owner(), tmp_path_factory.mktemp("own"))
    for name, text in PASSAGES.items():
        library.add(name, text)
    return library


@pytest.fixture
def caller(rivers: Library) -> Caller:
    return make_caller(rivers.person)


@pytest.fixture
def endpoint(settings: Any) -> Iterator[ModelServer]:
    """It prefers passages in the reverse order."""

    def answer(body: dict[str, Any]) -> list[dict[str, Any]]:
        count = len(body["texts"])
        return [{"index": index, "score": index / count} for index in range(count)]

    with running(ModelServer(answer)) as server:
        settings.RERANK_URL = server.url
        yield server


def find(library: Library, question: str = QUESTION, **options: Any) -> list[FoundChunk]:
    actor = library.person.actor
    return search(actor=actor, query=question, min_score=0, audited=False, **options)


def names(chunks: list[FoundChunk]) -> list[str]:
    return [chunk.filename for chunk in chunks]


def test_the_passage_with_the_answer_moves_up(rivers: Library) -> None:
    plain, reranked = find(rivers, mode=Mode.SPARSE), find(rivers, mode=Mode.SPARSE, rerank=True)
    assert names(plain)[0] == names(reranked)[0] == "law.md"
    assert names(reranked).index("answer.md") == 1 < names(plain).index("answer.md")
    opinions = {chunk.filename: chunk.scores["rerank"] for chunk in reranked}
    assert max(opinions, key=lambda name: opinions[name]) == "answer.md"
    assert all("rerank" not in chunk.scores for chunk in plain)


def test_scores_stay_in_their_places(rivers: Library) -> None:
    warnings: list[str] = []
    plain, reranked = find(rivers), find(rivers, rerank=True, warn=warnings.append)
    assert [chunk.score for chunk in reranked] == [chunk.score for chunk in plain]
    assert {chunk.chunk_id for chunk in reranked} == {chunk.chunk_id for chunk in plain}
    assert find(rivers, rerank=True) == reranked and warnings == []


def test_a_search_for_one_passage_reranks_ten(rivers: Library) -> None:
    assert names(find(rivers, limit=1, rerank=True)) == names(find(rivers, rerank=True))[:1]


def test_only_the_first_ten_are_reranked(library: Library, endpoint: ModelServer) -> None:
    for number in range(12):
        library.add(f"{number}.md", f"The Danube has {number} bridges. " + "It is a river. " * number)
    plain, reranked = find(library, limit=12), find(library, limit=12, rerank=True)
    assert len(endpoint.requests[-1]["texts"]) == 10
    assert names(reranked) != names(plain) and sorted(names(reranked)[:10]) == sorted(names(plain)[:10])
    assert [chunk.scores.keys() for chunk in reranked[10:]] == [chunk.scores.keys() for chunk in plain[10:]]
    assert reranked[10:] == plain[10:]


def test_titles_are_read_with_their_passages(library: Library, endpoint: ModelServer) -> None:
    sections = "".join(f"## {title}\n\n{'There are many. ' * 40}\n\n" for title in ("Bridges", "Ships"))
    library.add("bridges.md", f"# Danube\n\n{sections}")
    find(library, "bridges of the Danube", rerank=True)
    texts = endpoint.requests[-1]["texts"]
    assert {text.split("There")[0] for text in texts} == {"Danube\n\nBridges\n\n", "Danube\nShips\n\n"}


def test_questions_in_another_language_are_not_reranked(rivers: Library) -> None:
    warnings: list[str] = []
    question = "Durch wie viele Länder fließt die Donau auf ihrem Weg zum Schwarzen Meer?"
    assert find(rivers, question, rerank=True, warn=warnings.append) == find(rivers, question)
    assert warnings == [
        "The passages are not reranked, because the reranker does not read the question's language."
    ]


def test_an_endpoint_gets_questions_in_its_languages(
    rivers: Library, endpoint: ModelServer, settings: Any
) -> None:
    question = "Durch wie viele Länder fließt die Donau auf ihrem Weg zum Schwarzen Meer?"
    find(rivers, question, rerank=True)
    settings.RERANK_LANGUAGES = ["en", "fr"]
    find(rivers, question, rerank=True)
    find(rivers, rerank=True)
    assert [request["query"] for request in endpoint.requests] == [question, QUESTION]


@pytest.mark.parametrize("response", [(500, b"down"), (401, b"no"), (200, b"[]")])
def test_a_search_is_answered_without_a_reranker_that_fails(
    rivers: Library, endpoint: ModelServer, response: tuple[int, bytes]
) -> None:
    endpoint.response = response
    warnings: list[str] = []
    assert find(rivers, rerank=True, warn=warnings.append) == find(rivers)
    (warning,) = warnings
    assert warning.startswith("The passages are not reranked.")


def test_rest(rivers: Library, caller: Caller, endpoint: ModelServer) -> None:
    body = {"query": QUESTION, "explain": True, "min_score": 0}
    answer = caller.post("search/", body | {"rerank": True}).json()
    assert all(0 <= result["scores"]["rerank"] <= 1 for result in answer["results"]) and answer["results"]
    assert answer["warnings"] == []
    endpoint.response = (503, b"busy")
    answer, plain = (
        caller.post("search/", body | {"rerank": True}).json(),
        caller.post("search/", body).json(),
    )
    assert answer["results"] == plain["results"] and plain["warnings"] == []
    (warning,) = answer["warnings"]
    assert "not reranked" in warning and "503" not in warning


@pytest.mark.parametrize(
    ("ranker", "is_reranked"), [("auto", True), ("default-2024-11-15", True), ("none", False), (None, False)]
)
def test_openai_ranker(
    rivers: Library, caller: Caller, endpoint: ModelServer, ranker: str | None, is_reranked: bool
) -> None:
    options = {"ranker": ranker} if ranker else {}
    body = {"query": QUESTION, "ranking_options": options | {"score_threshold": 0}}
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    path = f"/v1/vector_stores/vs_{rivers.reference.pk.hex}/search"
    response = client.post(path, body, content_type="application/json")
    assert response.status_code == 200 and len(response.json()["data"]) == 4, response.content
    assert bool(endpoint.requests) is is_reranked
    endpoint.response = (503, b"busy")
    answer = client.post(path, body, content_type="application/json").json()
    assert ("warnings" in answer) is is_reranked


def test_unknown_ranker_is_refused(rivers: Library, caller: Caller) -> None:
    client = Client(headers={"Authorization": f"Bearer {caller.key.secret}"})
    path = f"/v1/vector_stores/vs_{rivers.reference.pk.hex}/search"
    body = {"query": QUESTION, "ranking_options": {"ranker": "best"}}
    assert client.post(path, body, content_type="application/json").status_code == 400


def test_admin(rivers: Library, endpoint: ModelServer) -> None:
    page = rivers.person.client.get("/admin/try-search/", {"query": QUESTION, "rerank": "on"})
    assert "rerank <strong>" in page.content.decode()
    endpoint.response = (503, b"busy")
    page = rivers.person.client.get("/admin/try-search/", {"query": QUESTION, "rerank": "on"})
    assert "The passages are not reranked." in page.content.decode()


def test_command(rivers: Library, endpoint: ModelServer) -> None:
    endpoint.response = (503, b"busy")
    stdout, stderr = StringIO(), StringIO()
    call_command("search", QUESTION, "--rerank", tenant=str(rivers.tenant_id), stdout=stdout, stderr=stderr)
    assert "answer.md" in stdout.getvalue()
    assert "Warning: The passages are not reranked." in stderr.getvalue()


def test_reranking_counts_as_ten_more_searches(
    rivers: Library, caller: Caller, endpoint: ModelServer
) -> None:
    def units() -> int:
        used: int = caller.get("usage/").json()["search_units"]
        return used

    before = units()
    caller.post("search/", {"query": QUESTION})
    assert units() - before == 1
    caller.post("search/", {"query": QUESTION, "rerank": True})
    assert units() - before == 12
