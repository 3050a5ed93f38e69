"""What every chat model does: a scripted endpoint, and a real model in a file under the supervisor."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from core.isolation.scope import tenant_scope
from core.outbound import AllowList
from engines.chat import (
    ChatEndpointConfig,
    ChatError,
    ChatModel,
    ChatReply,
    ChatRequest,
    FinishReason,
    Message,
    Role,
    Sampling,
    get_chat_model,
)
from tests.conftest import Person
from tests.support.chat_model_file import SLOTS, ModelFileProcess, running_model_file
from tests.support.chat_server import ChatHandler, ChatServer, says, words
from tests.support.model_server import running
from workspaces.chat_models import chat_model_named

TENANT = uuid4()
LONG = "Count from one to a thousand, with a word about each of the numbers."
FORM = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green"]}, "count": {"type": "integer"}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelFileProcess]:
    with running_model_file(tmp_path_factory.mktemp("data")) as process:
        yield process


@pytest.fixture(scope="module", params=["scripted endpoint", "model file"])
def model(request: pytest.FixtureRequest) -> Iterator[ChatModel]:
    if request.param == "model file":
        yield request.getfixturevalue("process").model
        return
    with running(ChatServer(otherwise=_obeys)) as server:
        config = ChatEndpointConfig(url=server.url, model="scripted", allow=AllowList.parse(["127.0.0.1"]))
        yield get_chat_model(config)


def _obeys(handler: ChatHandler) -> None:
    """As a model would, within the limits that it is given."""
    limit = handler.body.get("max_tokens", 1000)
    text = " ".join(["and so on"] * 400)
    if "response_format" in handler.body:
        text = '{"colour": "red", "count": 2}'
    for stop in handler.body.get("stop", []):
        text = text.split(stop)[0]
    pieces = words(text)
    finish = "length" if len(pieces) > limit else "stop"
    says("".join(pieces[:limit]), pause=0.002, finish=finish)(handler)


def ask(text: str, **changes: Any) -> ChatRequest:
    sampling = Sampling(**{"temperature": 0.0, "max_tokens": 12, **changes.pop("sampling", {})})
    return ChatRequest(messages=[Message(role=Role.USER, text=text)], sampling=sampling, **changes)


def test_pieces_make_the_reply_and_its_usage_is_counted(model: ChatModel):
    request = ask(LONG)
    *pieces, reply = model.stream(TENANT, request)
    assert isinstance(reply, ChatReply)
    assert len(pieces) > 5
    assert "".join(map(str, pieces)) == reply.text
    assert reply.finish_reason is FinishReason.LENGTH
    assert not reply.usage.is_estimated
    assert 0 < reply.usage.completion_tokens <= 13
    assert reply.model == model.model


def test_answer_ends_before_a_stop_word(model: ChatModel):
    free = model.complete(TENANT, ask(LONG)).text
    word = free.split()[2]
    stopped = model.complete(TENANT, ask(LONG, sampling={"stop": (word,)}))
    assert stopped.text == free[: free.index(word)]
    assert stopped.finish_reason is FinishReason.STOP


def test_answer_has_the_form_of_a_schema(model: ChatModel):
    reply = model.complete(
        TENANT, ask("Which colour, and how many?", json_schema=FORM, sampling={"max_tokens": 60})
    )
    answer = json.loads(reply.text)
    assert set(answer) == {"colour", "count"}
    assert answer["colour"] in ("red", "green")


def test_closed_stream_makes_room_for_others(model: ChatModel):
    """More streams than the model has slots: if closing did not end them, the next ones would wait for minutes."""
    begin = time.monotonic()
    for _ in range(2 * SLOTS):
        stream = model.stream(TENANT, ask(LONG, sampling={"max_tokens": 900}))
        assert isinstance(next(stream), str)
        stream.close()
        assert list(stream) == []
    assert time.monotonic() - begin < 60


def test_answers_at_the_same_time_are_not_mixed_up(model: ChatModel):
    alone = model.complete(TENANT, ask(LONG)).text
    with ThreadPoolExecutor(2 * SLOTS) as pool:
        texts = list(pool.map(lambda _: model.complete(TENANT, ask(LONG)).text, range(2 * SLOTS)))
    assert [text for text in texts if text[:10] != alone[:10]] == []


def test_tokens_are_estimated_rather_too_high(model: ChatModel):
    text = "The quick brown fox jumps over the lazy dog. Die Würde des Menschen ist unantastbar. " * 5
    reply = model.complete(TENANT, ask(text, sampling={"max_tokens": 1}))
    assert model.count_tokens(ask(text).messages) >= reply.usage.prompt_tokens * 0.9


def test_prompt_that_is_too_long_is_refused_with_advice(process: ModelFileProcess):
    with pytest.raises(ChatError) as caught:
        process.model.complete(TENANT, ask("word " * 3000))
    assert caught.value.code == "chat_context_too_long"


def test_every_workspace_can_choose_the_model_file(
    process: ModelFileProcess, owner: Person, stranger: Person
):
    for person in (owner, stranger):
        with tenant_scope(person.tenant_id), override_settings(LAYOUT=process.layout):
            model = chat_model_named(None, "local")
            with pytest.raises(ChatError) as caught:
                chat_model_named(None, "another")
        assert model and model.complete(person.tenant_id, ask("Hello")).text
        assert caught.value.code == "chat_not_configured"


def test_killed_model_is_started_again(process: ModelFileProcess):
    """With another key and port; a request meanwhile gets a clear error."""
    before = process.model
    os.kill(process.pids[-1], signal.SIGKILL)
    with pytest.raises(ChatError) as caught:
        before.complete(TENANT, ask(LONG, sampling={"max_tokens": 900}))
    assert caught.value.code in ("chat_unavailable", "chat_wrong_key")
    _wait_until(lambda: len(process.pids) == 2 and process.model != before, seconds=60)
    assert process.model.complete(TENANT, ask("Hello")).text


def test_model_takes_requests_with_its_key_only_and_logs_no_prompts(process: ModelFileProcess):
    config = ChatEndpointConfig(
        url=_url(process), model="local", api_key="wrong", allow=AllowList.parse(["127.0.0.1"])
    )
    with pytest.raises(ChatError) as caught:
        get_chat_model(config).complete(TENANT, ask("Hello"))
    assert caught.value.code == "chat_wrong_key"
    process.model.complete(TENANT, ask("Xylophone"))
    log = (process.layout.logs / "chat-model.log").read_text()
    assert "Xylophone" not in log
    assert oct(process.layout.chat_model.stat().st_mode & 0o777) == "0o600"


def _url(process: ModelFileProcess) -> str:
    return str(json.loads(process.layout.chat_model.read_text())["url"]) + "/v1"


def _wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        except AssertionError:  # it has no address at the moment
            pass
        assert time.monotonic() < end
        time.sleep(0.05)
