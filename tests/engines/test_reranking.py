"""The contract of both rerankers; the test endpoints serve the real model's scores, as TEI and as Cohere do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import Tokenizer

from core.errors import ConfigurationError
from engines.reranking import CrossEncoderConfig, RerankEndpointConfig, Reranker, RerankingError
from engines.reranking.cross_encoder import CrossEncoder, model_folder
from engines.reranking.endpoint import RerankEndpoint
from knowledge.engine_config import reranker as configured_reranker
from tests.support.model_server import ModelServer, running

TENANT = UUID(int=1)
KEY = "sk-a-key-that-stays-secret"
QUESTION = "How long is the notice period?"
# The best first.
PASSAGES = [
    "The notice period is three months to the end of a quarter.",
    "Either side may end the contract by giving notice.",
    "The rent is due on the third day of each month.",
    "Cats sleep most of the day.",
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def built_in(models: Path) -> CrossEncoder:
    return CrossEncoder(CrossEncoderConfig(threads=2, folder=models))


@pytest.fixture
def tei(built_in: CrossEncoder) -> Iterator[ModelServer]:
    """It answers with a list, the best first."""

    def answer(body: dict[str, Any]) -> list[dict[str, Any]]:
        scores = built_in.score(TENANT, body["query"], body["texts"])
        return sorted(
            ({"index": index, "score": score} for index, score in enumerate(scores)),
            key=lambda item: -item["score"],
        )

    with running(ModelServer(answer)) as server:
        yield server


@pytest.fixture
def cohere(built_in: CrossEncoder) -> Iterator[ModelServer]:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        scores = built_in.score(TENANT, body["query"], body["documents"])
        results = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
        return {"id": "1", "results": results[::-1], "meta": {"billed_units": {"search_units": 1}}}

    with running(ModelServer(answer)) as server:
        yield server


@pytest.fixture
def tei_client(tei: ModelServer) -> RerankEndpoint:
    return RerankEndpoint(RerankEndpointConfig(url=tei.url, api_key=KEY))


@pytest.fixture
def cohere_client(cohere: ModelServer) -> RerankEndpoint:
    return RerankEndpoint(RerankEndpointConfig(url=f"{cohere.url}/v2", model="rerank-v3.5", api_key=KEY))


@pytest.fixture(params=["built_in", "tei_client", "cohere_client"])
def reranker(request: pytest.FixtureRequest) -> Reranker:
    reranker: Reranker = request.getfixturevalue(request.param)
    return reranker


def test_scores_are_higher_the_better_in_the_order_of_the_passages(reranker: Reranker):
    scores = reranker.score(TENANT, QUESTION, PASSAGES)
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 4
    assert all(0 <= score <= 1 for score in scores)
    assert reranker.score(TENANT, QUESTION, PASSAGES[::-1]) == scores[::-1]


def test_a_score_does_not_depend_on_the_other_passages(reranker: Reranker):
    alone = [reranker.score(TENANT, QUESTION, [passage])[0] for passage in PASSAGES]
    assert reranker.score(uuid4(), QUESTION, PASSAGES) == alone


def test_no_passages_have_no_scores(reranker: Reranker):
    assert reranker.score(TENANT, QUESTION, []) == []


def test_any_text_is_accepted(reranker: Reranker):
    texts = ["", " \n", "\x00 Ünïcödé 東京 🚀", "word " * 5000]
    for question in texts:
        assert np.isfinite(reranker.score(TENANT, question, texts)).all()


def test_scoring_is_thread_safe(reranker: Reranker):
    calls = [[f"Thread {thread} has {word} threads." for word in ("one", "two")] for thread in range(8)]
    alone = [reranker.score(TENANT, "How many threads?", passages) for passages in calls]
    with ThreadPoolExecutor(8) as threads:
        concurrent = threads.map(
            lambda passages: reranker.score(TENANT, "How many threads?", passages), calls
        )
    assert list(concurrent) == alone


def test_graph_has_the_scores_of_the_model_in_the_package(built_in: CrossEncoder):
    """That graph is quantized, too: its scores differ from those of exact weights as much as ours."""
    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    options = SessionOptions()
    options.log_severity_level = 3
    session = InferenceSession(
        str(model_folder() / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    pages = [" ".join(path.read_text().split())[:1500] for path in sorted(Path("docs").glob("*.md"))[::3]]
    questions = [
        "How are tenants kept apart?",
        "What does the pipeline do with a file?",
        "Which settings are there?",
    ]
    for question in questions:
        expected = []
        for page in pages:
            encoding = tokenizer.encode(question, page)
            inputs = {
                "input_ids": encoding.ids,
                "attention_mask": encoding.attention_mask,
                "token_type_ids": encoding.type_ids,
            }
            arrays = {name: np.array([values], np.int64) for name, values in inputs.items()}
            expected.append(session.run(None, arrays)[0].item())
        probabilities = np.array(built_in.score(TENANT, question, pages))
        scores = np.log(probabilities / (1 - probabilities))
        assert np.abs(np.subtract(scores, expected)).mean() < 0.25
        assert np.corrcoef(scores, expected)[0, 1] > 0.98
        differences = np.subtract.outer(expected, expected)
        is_apart = np.abs(differences) > 1
        assert (np.sign(np.subtract.outer(scores, scores)) == np.sign(differences))[is_apart].all()


def test_graph_is_built_once(built_in: CrossEncoder, models: Path):
    (folder,) = models.iterdir()
    built = (folder / "graph.onnx").stat().st_mtime_ns
    again = CrossEncoder(CrossEncoderConfig(threads=1, folder=models))
    assert again.score(TENANT, QUESTION, PASSAGES) == built_in.score(TENANT, QUESTION, PASSAGES)
    assert (folder / "graph.onnx").stat().st_mtime_ns == built


def test_settings_choose_the_endpoint(settings, cohere: ModelServer):
    settings.RERANK_URL, settings.RERANK_MODEL, settings.RERANK_API_KEY = cohere.url, "rerank-v3.5", KEY
    settings.RERANK_LANGUAGES = ["en", "de"]
    chosen = configured_reranker()
    assert (chosen.model, chosen.languages) == ("rerank-v3.5", frozenset({"en", "de"}))
    chosen.score(TENANT, QUESTION, PASSAGES)
    (request,) = cohere.requests
    assert request == {"path": "/rerank", "model": "rerank-v3.5", "query": QUESTION, "documents": PASSAGES}
    assert cohere.authorizations == [f"Bearer {KEY}"]


def test_logits_become_probabilities(tei: ModelServer, tei_client: RerankEndpoint):
    tei.response = (200, b'[{"index": 0, "score": 0}, {"index": 1, "score": -800}, {"index": 2, "score": 9}]')
    assert tei_client.score(TENANT, QUESTION, PASSAGES[:3]) == pytest.approx([0.5, 0, 0.9999], abs=1e-3)


def test_without_a_model_the_request_has_teis_form(tei: ModelServer, tei_client: RerankEndpoint):
    tei_client.score(TENANT, QUESTION, PASSAGES)
    assert tei.requests == [{"path": "/rerank", "query": QUESTION, "texts": PASSAGES, "truncate": True}]


@pytest.mark.parametrize("suffix", ["", "/", "/rerank", "/rerank/"])
def test_url_may_end_with_rerank(tei: ModelServer, suffix: str):
    RerankEndpoint(RerankEndpointConfig(url=f"{tei.url}/base{suffix}")).score(TENANT, QUESTION, PASSAGES)
    assert [request["path"] for request in tei.requests] == ["/base/rerank"]


def reranking_error(client: RerankEndpoint) -> RerankingError:
    with pytest.raises(RerankingError) as caught:
        client.score(TENANT, QUESTION, PASSAGES[:2])
    return caught.value


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_transient_failure_is_retryable(tei: ModelServer, tei_client: RerankEndpoint, status: int):
    tei.response = (status, b"later")
    error = reranking_error(tei_client)
    assert (error.code, error.retryable) == ("reranking_unavailable", True)
    assert f"{status}: later" in error.detail


@pytest.mark.parametrize("form", ["error", "message", "detail"])
@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_refusal_is_final_and_quotes_the_endpoint(
    tei: ModelServer, tei_client: RerankEndpoint, status: int, form: str
):
    tei.response = (status, json.dumps({form: f"No model for {KEY}"}).encode())
    error = reranking_error(tei_client)
    assert (error.code, error.retryable) == ("reranking_refused", False)
    assert f"{status}: No model for ***" in error.detail and KEY not in error.detail


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "{}",
        "[]",
        "3",
        '{"results": null}',
        '[{"index": 0, "score": 1}]',
        '[{"index": 0, "score": 1}, {"index": 0, "score": 2}]',
        '[{"index": 0, "score": 1}, {"index": 1, "score": null}]',
        '[{"index": 0, "score": 1}, {"index": 1, "score": NaN}]',
        '[{"index": 0, "score": 1}, {"index": 1}]',
        "[1, 2]",
    ],
)
def test_response_without_a_score_for_each_passage_is_refused(
    tei: ModelServer, tei_client: RerankEndpoint, body: str
):
    tei.response = (200, body.encode())
    assert reranking_error(tei_client).code == "reranking_refused"


def test_unreachable_endpoint_is_retryable(tei: ModelServer, tei_client: RerankEndpoint):
    tei.shutdown()
    tei.server_close()
    error = reranking_error(tei_client)
    assert (error.code, error.retryable) == ("reranking_unavailable", True)


def test_invalid_url_raises_configuration_error():
    with pytest.raises(ConfigurationError, match="RERANK_URL"):
        RerankEndpoint(RerankEndpointConfig(url="localhost:80"))
