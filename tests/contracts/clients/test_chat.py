"""Assistants as models of OpenAI's Python client: chat completions and responses."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import openai
import pytest

from conversations.models import Conversation, Message
from core.isolation.scope import tenant_scope
from tests.conftest import Person
from tests.contracts.clients.conftest import make_client
from tests.conversations.conftest import Desk, make_desk

QUESTION = "How do honey bees tell where flowers are?"
SAID = "dance"


@pytest.fixture
def desk(owner: Person, tmp_path: Path) -> Desk:
    return make_desk(owner, tmp_path / "own")


def asked(text: str = QUESTION) -> Any:
    return [{"role": "user", "content": text}]


def test_assistant_is_listed_and_answers_by_id_and_by_name(client: Any, desk: Desk):
    listed = [model for model in client.models.list() if getattr(model, "name", "") == "Guide"]
    assert [model.id for model in listed] == [str(desk.assistant.pk)]
    assert client.models.retrieve(listed[0].id) == listed[0]
    for name in (listed[0].id, "Guide"):
        completion = client.chat.completions.create(model=name, messages=asked())
        (choice,) = completion.choices
        assert SAID in choice.message.content and (choice.finish_reason, completion.model) == ("stop", name)


def test_citations_are_annotations_at_their_marks(client: Any, desk: Desk):
    message = client.chat.completions.create(model="Guide", messages=asked()).choices[0].message
    first = message.annotations[0].url_citation
    assert message.content[first.start_index : first.end_index] == "[1]"
    assert first.title.startswith("bees.md") and SAID in first.quote
    assert client.files.retrieve(first.file_id).filename == "bees.md"


def test_stream_has_the_same_answer_with_usage_at_its_end(client: Any, desk: Desk):
    options = {"model": "Guide", "messages": asked(), "stream_options": {"include_usage": True}}
    *chunks, last = client.chat.completions.create(stream=True, **options)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    whole = client.chat.completions.create(model="Guide", messages=asked())
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop" and chunks[-1].choices[0].delta.annotations
    assert not last.choices and last.usage == whole.usage
    assert len({chunk.id for chunk in [*chunks, last]}) == 1


def test_nothing_is_kept_of_a_completion_unless_it_is_to_be(client: Any, desk: Desk):
    client.chat.completions.create(model="Guide", messages=asked())
    with tenant_scope(desk.person.tenant_id):
        assert not Conversation.objects.exists()
    client.chat.completions.create(model="Guide", messages=asked(), store=True)
    with tenant_scope(desk.person.tenant_id):
        assert Message.objects.count() == 2


def test_earlier_messages_and_parts_are_read_and_unknown_options_ignored(client: Any, desk: Desk):
    messages = [
        {"role": "system", "content": "Be brief."},
        *asked("How do honey bees tell their sisters?"),
        {"role": "assistant", "content": "They dance."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "And where are the flowers that bees tell of?"}],
        },
    ]
    completion = client.chat.completions.create(
        model="Guide", messages=messages, n=1, user="u", logit_bias={}, extra_body={"made_up": 1}
    )
    assert completion.choices[0].message.content


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "last message"),
        ({"messages": [{"role": "user", "content": " "}]}, "last message"),
        ({"messages": ["hello"]}, "role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "image_url",
        ),
        ({"messages": asked(), "temperature": 9}, "temperature"),
        ({"messages": asked(), "stop": [""]}, "stop"),
        ({"messages": asked(), "max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(client: Any, desk: Desk, options, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        client.chat.completions.create(model="Guide", **options)


def test_unknown_model_and_foreign_assistant_are_not_found(
    client: Any, desk: Desk, stranger: Person, address: str
):
    for model in ("Nobody", str(uuid4()), ""):
        with pytest.raises((openai.NotFoundError, openai.BadRequestError)):
            client.chat.completions.create(model=model, messages=asked())
    with make_client(stranger, address) as other:
        for use in (
            lambda: other.chat.completions.create(model=str(desk.assistant.pk), messages=asked()),
            lambda: other.responses.create(model="Guide", input=QUESTION),
            lambda: other.models.retrieve(str(desk.assistant.pk)),
        ):
            with pytest.raises(openai.NotFoundError, match="no assistant or teammate"):
                use()


def test_response_has_the_search_and_the_message(client: Any, desk: Desk):
    response = client.responses.create(model="Guide", input=QUESTION, include=["file_search_call.results"])
    search, message = response.output
    assert (search.type, search.queries) == ("file_search_call", [QUESTION])
    assert search.results[0].filename == "bees.md" and SAID in search.results[0].text
    (annotation, *_) = message.content[0].annotations
    assert response.output_text[annotation.index :].startswith("[1]") and annotation.filename == "bees.md"
    assert response.status == "completed" and response.usage.total_tokens >= 0


def test_response_stream_ends_with_the_whole_response(client: Any, desk: Desk):
    with client.responses.stream(model="Guide", input=QUESTION) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == (
        final.output_text
    )
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert "response.file_search_call.completed" in kinds and "response.output_text.annotation.added" in kinds
    assert SAID in final.output_text


def test_response_follows_another_in_its_conversation(client: Any, desk: Desk):
    first = client.responses.create(model="Guide", input=QUESTION)
    second = client.responses.create(
        model="Guide", input="And which river flows to the sea?", previous_response_id=first.id
    )
    assert second.previous_response_id == first.id != second.id
    with tenant_scope(desk.person.tenant_id):
        assert Conversation.objects.count() == 1 and Message.objects.count() == 4
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="Guide", input="x?", previous_response_id=f"resp_{uuid4().hex}")
    with pytest.raises(openai.BadRequestError, match="store"):
        client.responses.create(model="Guide", input="x?", previous_response_id=first.id, store=False)


def test_response_that_is_not_stored_keeps_nothing(client: Any, desk: Desk):
    items = [*asked("Do bees dance?"), {"role": "assistant", "content": "Yes."}, *asked()]
    assert SAID in client.responses.create(model="Guide", input=items, store=False).output_text
    with tenant_scope(desk.person.tenant_id):
        assert not Conversation.objects.exists()
