"""What the adapter makes of each thing that an OpenAI-compatible endpoint may do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

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
    Tool,
    get_chat_model,
    model_names,
)
from tests.support.chat_server import (
    Behaviour,
    ChatServer,
    answers,
    breaks_in_character,
    calls,
    fails,
    never_ends,
    says,
    stays_silent,
    streams,
)
from tests.support.model_server import running

TENANT = uuid4()
KEY = "sk-very-secret"
QUESTION = ChatRequest(messages=[Message(role=Role.USER, text="How are you?")])
EVENT = b'data: {"choices": [{"index": 0, "delta": %s, "finish_reason": null}]}\n\n'


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with running(ChatServer()) as server:
        yield server


@pytest.fixture
def model(server: ChatServer) -> ChatModel:
    return get_chat_model(config(server))


def config(server: ChatServer, **changes: Any) -> ChatEndpointConfig:
    values = {"url": server.url, "model": "scripted", "api_key": KEY, "allow": AllowList.parse(["127.0.0.1"])}
    return ChatEndpointConfig(**{**values, **changes})


def test_text_is_streamed_and_the_reply_is_complete(server: ChatServer, model: ChatModel):
    server.script.append(says("I am very well."))
    *pieces, reply = model.stream(TENANT, QUESTION)
    assert pieces == ["I ", "am ", "very ", "well."]
    assert isinstance(reply, ChatReply)
    assert (reply.text, reply.model, reply.finish_reason) == (
        "I am very well.",
        "scripted",
        FinishReason.STOP,
    )
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (12, 4)
    assert not reply.usage.is_estimated


def test_request_has_everything_and_nothing_of_the_machine(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Environment: yes")
    sampling = Sampling(temperature=0.5, max_tokens=7, top_p=0.9, seed=3, stop=("END",))
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    request = ChatRequest(messages=QUESTION.messages, json_schema=schema, sampling=sampling)
    get_chat_model(config(server, headers=(("openai-organization", "org-1"),))).complete(TENANT, request)
    (body,), (headers,) = server.requests, server.headers
    assert (body["model"], body["messages"]) == ("scripted", [{"role": "user", "content": "How are you?"}])
    assert [body[name] for name in ("temperature", "max_tokens", "top_p", "seed", "stop")] == [
        0.5,
        7,
        0.9,
        3,
        ["END"],
    ]
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert (headers["authorization"], headers["openai-organization"]) == (f"Bearer {KEY}", "org-1")
    assert headers["user-agent"] == "OYL"
    assert [name for name in headers if name.startswith(("x-", "openai"))] == ["openai-organization"]


def test_tools_are_called_and_their_results_go_back(server: ChatServer, model: ChatModel):
    tool = Tool(name="search", description="Searches.", parameters={"type": "object"})
    server.script.append(calls(("search", {"query": "Grüße"}), ("search", "{broken")))
    reply = model.complete(TENANT, ChatRequest(messages=QUESTION.messages, tools=[tool]))
    assert reply.finish_reason is FinishReason.TOOL_CALLS
    assert [call.id for call in reply.tool_calls] == ["call_0", "call_1"]
    assert reply.tool_calls[0].arguments == '{"query": "Gr\\u00fc\\u00dfe"}'
    assert reply.tool_calls[1].arguments == "{broken"
    asked = Message(role=Role.ASSISTANT, text="", tool_calls=reply.tool_calls)
    results = [Message(role=Role.TOOL, text="found", tool_call_id=call.id) for call in reply.tool_calls]
    model.complete(TENANT, ChatRequest(messages=[*QUESTION.messages, asked, *results], tools=[tool]))
    sent = server.requests[1]
    assert sent["tools"][0]["function"]["name"] == "search"
    assert sent["messages"][1]["tool_calls"][0]["function"]["name"] == "search"
    assert [message.get("tool_call_id") for message in sent["messages"]] == [None, None, "call_0", "call_1"]


def test_calls_that_all_have_the_number_zero_are_kept_apart(server: ChatServer, model: ChatModel):
    """As Ollama sends them: whole, and with the finish reason `stop`."""
    call = b'{"tool_calls": [{"index": 0, "id": "%s", "function": {"name": "search", "arguments": "{}"}}]}'
    end = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    server.script.append(streams(EVENT % (call % b"a"), EVENT % (call % b"b"), end))
    reply = model.complete(TENANT, QUESTION)
    assert [(call.id, call.arguments) for call in reply.tool_calls] == [("a", "{}"), ("b", "{}")]
    assert reply.finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("behaviour", "code", "says_what_to_do"),
    [
        (fails(401, f"Incorrect API key: {KEY}"), "chat_wrong_key", "Enter a valid key"),
        (fails(403), "chat_wrong_key", "Enter a valid key"),
        (fails(404, code="model_not_found"), "chat_unknown_model", "Choose one of the models"),
        (fails(400, "The model `x` does not exist"), "chat_unknown_model", "Choose one of the models"),
        (fails(400, code="context_length_exceeded"), "chat_context_too_long", "new conversation"),
        (fails(413, "Prompt is too long"), "chat_context_too_long", "new conversation"),
        (fails(429, code="insufficient_quota"), "chat_no_quota", "choose another model"),
        (fails(402), "chat_no_quota", "choose another model"),
        (fails(400, code="content_filter"), "chat_filtered", "other words"),
        (fails(400, f"'top_p' is not for {KEY}."), "chat_refused", "'top_p' is not for ***. Correct"),
        (answers(302, b""), "chat_refused", "Correct"),
        (answers(200, b"<html>It works!</html>"), "chat_malformed", "Check the URL"),
        (streams(b"data: {broken\n\n"), "chat_malformed", "Check the URL"),
        (streams(b'data: {"choices": "none"}\n\n'), "chat_malformed", "Check the URL"),
        (streams(b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'), "chat_malformed", "Check the URL"),
        (streams(b"data: []\n\n"), "chat_malformed", "Check the URL"),
        (streams(b"data: " + b"[" * 100_000 + b"\n\n"), "chat_malformed", "Check the URL"),
        (
            streams(b'data: {"error": {"message": "The context window is full"}}\n\n'),
            "chat_context_too_long",
            "new",
        ),
        (streams(EVENT % b'{"content": "So "}'), "chat_interrupted", "Ask again"),
        (streams(EVENT % b'{"content": "So "}', cut=True), "chat_interrupted", "Ask again"),
        (streams(EVENT % b'{"content": "So "}', b'data: {"ch'), "chat_interrupted", "Ask again"),
        (breaks_in_character(), "chat_interrupted", "Ask again"),
    ],
)
def test_error_has_a_code_and_says_what_to_do(
    server: ChatServer, model: ChatModel, behaviour: Behaviour, code: str, says_what_to_do: str
):
    server.script.append(behaviour)
    with pytest.raises(ChatError) as caught:
        list(model.stream(TENANT, QUESTION))
    assert caught.value.code == code, caught.value.detail
    assert says_what_to_do in caught.value.detail
    assert KEY not in caught.value.detail
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 529])
def test_attempts_before_the_first_piece_are_repeated(server: ChatServer, model: ChatModel, status: int):
    server.script.extend([fails(status), fails(status), says("At last.")])
    begin = time.monotonic()
    assert model.complete(TENANT, QUESTION).text == "At last."
    assert len(server.requests) == 3
    assert time.monotonic() - begin > 1.0  # after 0.5 s and 1 s, with jitter


def test_retry_after_is_honoured(server: ChatServer, model: ChatModel):
    server.script.extend([fails(429, retry_after="2"), says("At last.")])
    begin = time.monotonic()
    assert model.complete(TENANT, QUESTION).text == "At last."
    assert time.monotonic() - begin >= 2


def test_wait_that_is_longer_than_the_first_piece_may_take_is_not_waited_for(server: ChatServer):
    server.script.extend([fails(429, retry_after="100"), says("Too late.")])
    begin = time.monotonic()
    with pytest.raises(ChatError) as caught:
        get_chat_model(config(server)).complete(TENANT, QUESTION)
    assert (caught.value.code, caught.value.retry_after) == ("chat_rate_limited", 100)
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (stays_silent(5), "chat_no_first_piece"),
        (says("Late.", first_after=5), "chat_no_first_piece"),
        (stays_silent(5, ["So "]), "chat_stalled"),
        (never_ends(), "chat_too_slow"),
    ],
)
def test_times_are_limited(server: ChatServer, behaviour: Behaviour, code: str):
    server.script.append(behaviour)
    limits = {"first_seconds": 0.6, "between_seconds": 0.4, "total_seconds": 1.5}
    begin = time.monotonic()
    with pytest.raises(ChatError) as caught:
        list(get_chat_model(config(server, **limits)).stream(TENANT, QUESTION))
    assert caught.value.code == code
    assert time.monotonic() - begin < 2.5


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**9, "completion_tokens": 4},
        {"prompt_tokens": 0, "completion_tokens": 4},
        {"prompt_tokens": 12, "completion_tokens": -4},
        {"prompt_tokens": "many", "completion_tokens": 4},
        {"prompt_tokens": 12},
    ],
)
def test_usage_that_cannot_be_is_estimated(server: ChatServer, model: ChatModel, usage: dict[str, Any]):
    server.script.append(says("I am very well.", usage=usage))
    used = model.complete(TENANT, QUESTION).usage
    assert used.is_estimated
    assert (used.prompt_tokens, used.completion_tokens) == (model.count_tokens(QUESTION.messages), 5)


def test_parameters_that_an_endpoint_does_not_know_are_left_out(server: ChatServer, model: ChatModel):
    refusals = [
        fails(400, "Unknown field stream_options"),
        fails(400, "Use 'max_completion_tokens' instead."),
    ]
    server.script.extend([*refusals, says("Now.")])
    request = ChatRequest(messages=QUESTION.messages, sampling=Sampling(max_tokens=9))
    assert model.complete(TENANT, request).usage.is_estimated
    assert model.complete(TENANT, request).text == "Hello."
    assert len(server.requests) == 4
    assert "stream_options" not in server.requests[3]
    assert server.requests[3]["max_completion_tokens"] == 9


def test_endpoint_that_fails_again_and_again_is_left_alone(server: ChatServer):
    server.otherwise = fails(500)
    model = get_chat_model(config(server, first_seconds=0.3))  # no time for a second attempt
    codes = [_code_of(model) for _ in range(7)]
    assert codes == ["chat_unavailable"] * 5 + ["chat_paused"] * 2
    assert len(server.requests) == 5


def test_fallback_answers_where_the_first_does_not(server: ChatServer):
    with running(ChatServer(otherwise=fails(401))) as broken:
        model = get_chat_model(config(broken, model="first", fallback=config(server, context_tokens=100)))
        assert model.context_tokens == 100
        reply = model.complete(TENANT, QUESTION)
    assert (reply.text, reply.model) == ("Hello.", "scripted")


def test_fallback_does_not_continue_an_answer_that_has_begun(server: ChatServer):
    with running(ChatServer(breaks_in_character())) as broken:
        stream = get_chat_model(config(broken, fallback=config(server))).stream(TENANT, QUESTION)
        assert next(stream) == "So "
        with pytest.raises(ChatError):
            next(stream)
    assert server.requests == []


def test_closing_ends_the_request(server: ChatServer, model: ChatModel):
    server.script.append(never_ends())
    stream = model.stream(TENANT, QUESTION)
    assert next(stream) == "again "
    stream.close()
    _wait_until(lambda: server.open == 0)
    assert server.dropped == 1
    assert list(stream) == []


def test_closing_from_another_thread_ends_a_step_that_waits(server: ChatServer, model: ChatModel):
    server.script.append(stays_silent(30))
    stream = model.stream(TENANT, QUESTION)
    threading.Timer(0.3, stream.close).start()
    begin = time.monotonic()
    assert list(stream) == []
    assert time.monotonic() - begin < 1.5
    _wait_until(lambda: server.open == 0)


def test_characters_in_halves_are_joined(server: ChatServer, model: ChatModel):
    """A server that escapes JSON may cut between the two escapes of an emoji."""
    halves = [
        EVENT % b'{"content": "a\\ud83d"}',
        EVENT % b'{"content": "\\ude00b"}',
        EVENT % b'{"content": "\\ud83d"}',
    ]
    end = b'data: {"choices": [{"index": 0, "delta": {"content": "c\\u0000"}, "finish_reason": "stop"}]}\n\n'
    server.script.append(streams(*halves, end))
    *pieces, reply = model.stream(TENANT, QUESTION)
    assert isinstance(reply, ChatReply)
    assert "".join(map(str, pieces)) == reply.text == "a😀b\ufffdc"


def test_private_address_is_refused(server: ChatServer):
    with pytest.raises(ChatError) as caught:
        get_chat_model(config(server, allow=AllowList())).complete(TENANT, QUESTION)
    assert caught.value.code == "invalid_outbound_address"
    assert server.requests == []


def test_models_are_listed(server: ChatServer):
    assert model_names(config(server)) == ["scripted", "other"]
    with pytest.raises(ChatError, match="OUTBOUND_ALLOW"):
        model_names(config(server, allow=AllowList()))


def test_answer_without_an_end_is_not_kept_for_ever(
    server: ChatServer, model: ChatModel, monkeypatch: pytest.MonkeyPatch
):
    server.script.append(streams(*[b"data: " + b"x" * (8 << 20)] * 9))
    with pytest.raises(ChatError) as caught:
        list(model.stream(TENANT, QUESTION))
    assert caught.value.code == "outbound_too_large"


def _code_of(model: ChatModel) -> str:
    with pytest.raises(ChatError) as caught:
        model.complete(TENANT, QUESTION)
    return caught.value.code


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 3
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)
