"""Conversations over REST."""

from __future__ import annotations

import time
from typing import Any

import pytest

from conversations.services.asking import ask as ask_service
from core.isolation.scope import tenant_scope
from core.permissions import Role
from tenants.services.api_keys import revoke_api_key
from tests.conftest import Person, make_member
from tests.conversations.conftest import Desk, with_model
from tests.conversations.requests import QUESTION, Events, ask, path_of, stream
from tests.support.api_client import Caller, assert_problem, make_caller
from tests.support.chat_server import ChatServer, fails, never_ends, says, stays_silent
from workspaces.models import IntegrationConfig


@pytest.fixture
def caller(desk: Desk) -> Caller:
    return make_caller(desk.person)


def test_question_is_answered_and_its_conversation_read(desk: Desk, caller: Caller):
    reply = ask(caller, desk).json()
    (citation, *_) = reply["citations"]
    assert "dance" in reply["answer"] and citation["filename"] == "bees.md"
    assert caller.get(f"documents/{citation['document']}/").status_code == 200
    conversation = caller.get(f"conversations/{reply['conversation_id']}/").json()
    assert conversation["title"] == QUESTION and conversation["assistant"] == str(desk.assistant.pk)
    again = ask(caller, desk, "And rivers?", conversation=conversation["id"]).json()
    messages = caller.get(f"messages/?conversation={conversation['id']}").json()["results"]
    assert [one["role"] for one in messages] == ["assistant", "user", "assistant", "user"]
    assert messages[1]["parent"] == reply["message_id"] and messages[0]["id"] == again["message_id"]
    assert messages[2]["citations"] == reply["citations"]
    trace = caller.get(f"traces/{reply['trace_id']}/").json()
    assert [stage["name"] for stage in trace["stages"]][:3] == ["routing", "rewriting", "retrieval"]


def test_edited_and_regenerated_answers_are_branches(desk: Desk, caller: Caller):
    reply = ask(caller, desk).json()
    first = f"messages/{reply['message_id']}"
    edited = caller.post(f"{first}/edit/", {"question": "Through how many countries does the Danube flow?"})
    assert edited.json()["citations"][0]["filename"] == "rivers.md"
    again = caller.post(f"{first}/regenerate/", {}).json()
    messages = {
        one["id"]: one
        for one in caller.get(f"messages/?conversation={reply['conversation_id']}").json()["results"]
    }
    assert len(messages) == 5
    old, new = messages[reply["message_id"]], messages[again["message_id"]]
    assert old["parent"] == new["parent"] and old["id"] != new["id"]
    assert messages[messages[edited.json()["message_id"]]["parent"]]["parent"] is None


def test_conversation_is_renamed_shared_exported_and_deleted(desk: Desk, caller: Caller):
    reply = ask(caller, desk).json()
    path = f"conversations/{reply['conversation_id']}/"
    colleague = make_caller(make_member(desk.person.tenant_id, Role.ADMIN))
    assert_problem(colleague.get(path), 404, "not_found")
    assert_problem(colleague.get(f"messages/{reply['message_id']}/"), 404, "not_found")
    assert colleague.get("conversations/").json()["results"] == []
    changed = caller("patch", path, {"title": "Bees", "is_shared": True})
    assert changed.status_code == 200 and changed.json()["title"] == "Bees"
    assert colleague.get(path).json()["title"] == "Bees"
    assert colleague.get(f"traces/{reply['trace_id']}/").status_code == 200
    assert_problem(colleague("patch", path, {"title": "Mine"}), 404, "not_found")
    assert_problem(colleague("delete", path), 404, "not_found")
    assert_problem(ask(colleague, desk, conversation=reply["conversation_id"]), 404, "not_found")
    exported = caller.get(f"{path}export/", Accept="text/markdown")
    assert exported.content.decode().startswith(f"# Bees\n\n> {QUESTION}\n\n")
    assert "- [1] bees.md" in exported.content.decode()
    assert len(caller.get(f"{path}export/").json()["messages"]) == 2
    found = caller.get("messages/?text__icontains=dance").json()["results"]
    assert [one["id"] for one in found] == [reply["message_id"]]
    assert caller("delete", path).status_code == 204
    assert_problem(caller.get(f"messages/{reply['message_id']}/"), 404, "not_found")


def test_feedback_on_an_answer_and_on_a_citation(desk: Desk, caller: Caller):
    message = ask(caller, desk).json()["message_id"]
    for fields in (
        {"rating": "up"},
        {"rating": "down", "reason": "wrong"},
        {"rating": "down", "citation": 1},
    ):
        assert caller.post("feedback/", {"message": message, **fields}).status_code == 201
    rows = caller.get(f"feedback/?message={message}").json()["results"]
    assert sorted((one["rating"], one["citation"]) for one in rows if one["citation"]) == [("down", 1)]
    assert [one["reason"] for one in rows if one["citation"] is None] == ["wrong"]
    unknown = caller.post("feedback/", {"message": message, "rating": "up", "citation": 9})
    assert_problem(unknown, 422, "invalid")
    colleague = make_caller(make_member(desk.person.tenant_id, Role.ADMIN))
    foreign = colleague.post("feedback/", {"message": message, "rating": "up"})
    assert_problem(foreign, 404, "not_found")
    assert len(colleague.get("feedback/").json()["results"]) == 2, "editors see that of all"


def test_strangers_and_keys_bound_to_others_are_answered_as_for_what_is_absent(desk: Desk, stranger: Person):
    assert_problem(ask(make_caller(stranger), desk), 404, "not_found")
    reader = make_caller(desk.person, scopes=["conversations:read"])
    assert_problem(ask(reader, desk), 403, "scope_missing")
    own = make_caller(desk.person, bound=("assistant", desk.assistant.pk))
    assert ask(own, desk).status_code == 200
    other = Desk(desk.person, desk.library, make_assistant(desk))
    assert_problem(ask(own, other), 404, "not_found")
    assert len(own.get("conversations/").json()["results"]) == 1
    assert ask(make_caller(desk.person), other).status_code == 200
    assert len(own.get("conversations/").json()["results"]) == 1


def make_assistant(desk: Desk) -> Any:
    from assistants.models import Assistant
    from core.isolation.scope import tenant_scope

    with tenant_scope(desk.person.tenant_id):
        return Assistant.objects.create(workspace_id=desk.assistant.workspace_id, name="Other")


def test_invalid_questions_are_refused(desk: Desk, caller: Caller):
    assert_problem(ask(caller, desk, " "), 422, "invalid")
    assert_problem(ask(caller, desk, "x" * 10_001), 422, "invalid")
    reply = ask(caller, desk).json()
    kept = ask(caller, desk, conversation=reply["conversation_id"], keep=False)
    assert_problem(kept, 422, "invalid")
    other = Desk(desk.person, desk.library, make_assistant(desk))
    assert_problem(ask(caller, other, conversation=reply["conversation_id"]), 422, "question_invalid")
    nothing = ask(caller, desk, filters={"references": []}).json()
    assert nothing["is_refusal"], "filters narrow"


def test_editors_try_a_draft_that_is_not_kept(desk: Desk, caller: Caller, server: ChatServer):
    with_model(desk, server)
    assert ask(caller, desk, draft="Speak as a beekeeper of {{organisation}}.", keep=False).status_code == 200
    system = server.requests[-1]["messages"][0]["content"]
    assert "Speak as a beekeeper of " in system and "{{" not in system
    assert_problem(ask(caller, desk, draft="Kept"), 422, "question_invalid")
    viewer, body = make_member(desk.person.tenant_id, Role.VIEWER).client, {"question": "Why?", "keep": False}
    address = f"/api/v1/assistants/{desk.assistant.pk}/ask/"
    refused = viewer.post(address, {**body, "draft": "Mine"}, content_type="application/json")
    assert_problem(refused, 403, "forbidden")


def test_failed_answer_is_a_problem(desk: Desk, caller: Caller, server: ChatServer):
    with_model(desk, server)
    server.otherwise = fails(400, "Too long.")
    response = ask(caller, desk)
    assert response.status_code == 502 and response.json()["code"].startswith("chat_")


def test_events_of_an_answer(desk: Desk, caller: Caller, server: ChatServer):
    with_model(desk, server)
    server.script.append(says("They dance to their sisters [1].", pause=0.02))
    events = stream(caller, "post", path_of(desk), {"question": QUESTION})
    names = [name for name, _ in events]
    assert names[:3] == ["started", "routed", "retrieved"] and names[-1] == "finished"
    text = "".join(data["text"] for name, data in events if name == "piece")
    assert text == "They dance to their sisters [1]." == events[-1][1]["answer"]
    by_field = ask(caller, desk, stream=True)
    assert by_field["Content-Type"] == "text/event-stream"


def test_lost_stream_is_resumed_where_it_was(desk: Desk, caller: Caller, server: ChatServer):
    with_model(desk, server)
    whole = " ".join(f"word{number}" for number in range(60)) + " [1]."
    server.script.append(says(whole, pause=0.05))
    lost = stream(caller, "post", path_of(desk), {"question": QUESTION}, until=lambda events: len(events) > 8)
    begun = "".join(data["text"] for name, data in lost if name == "piece")
    assert begun and len(begun) < len(whole)
    path = f"messages/{lost[0][1]['message_id']}/events/"
    rest = stream(caller, "get", path, last=len(begun))
    text = begun + "".join(data["text"] for name, data in rest if name == "piece")
    assert text == whole and rest[-1][0] == "finished" and rest[-1][1]["text"] == whole


def test_stopped_answer_ends_its_stream(desk: Desk, caller: Caller, server: ChatServer):
    with_model(desk, server)
    server.script.append(never_ends("word "))

    def stop_it(events: Events) -> None:
        if len(events) == 8:
            path = f"messages/{events[0][1]['message_id']}/stop/"
            assert caller.post(path, None).json()["state"] == "stopped"

    events = stream(caller, "post", path_of(desk), {"question": QUESTION}, on=stop_it)
    assert events[-1][0] == "finished" and events[-1][1]["is_stopped"]


@pytest.mark.parametrize("behaviour", [never_ends("word "), stays_silent(8.0)])
def test_revoked_key_ends_its_stream_within_two_seconds(
    desk: Desk, caller: Caller, server: ChatServer, behaviour: Any
):
    with_model(desk, server)
    server.script.append(behaviour)
    revoked: list[float] = []

    def revoke(events: Events) -> None:
        if len(events) >= 3 and not revoked:
            revoke_api_key(actor=desk.person.actor, api_key=caller.key.api_key)
            revoked.append(time.monotonic())

    events = stream(caller, "post", path_of(desk), {"question": QUESTION}, on=revoke)
    assert time.monotonic() - revoked[0] < 2.5 and events[-1][0] != "finished"


def test_answer_that_nobody_reads_is_stopped(
    desk: Desk, caller: Caller, server: ChatServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("conversations.streaming.UNREAD_SECONDS", 0.5)
    with_model(desk, server)
    server.script.append(never_ends("word "))
    lost = stream(caller, "post", path_of(desk), {"question": QUESTION}, until=lambda events: len(events) > 4)
    message, deadline = lost[0][1]["message_id"], time.monotonic() + 20
    while caller.get(f"messages/{message}/").json()["state"] == "generating":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert caller.get(f"messages/{message}/").json()["state"] == "stopped"


def test_viewer_asks_by_a_session(desk: Desk):
    viewer = make_member(desk.person.tenant_id, Role.VIEWER)
    *_, last = ask_service(actor=viewer.actor, assistant=desk.assistant.pk, question=QUESTION)
    assert "dance" in last.reply.answer  # type: ignore[union-attr]


def test_editors_ask_another_model_than_the_assistants(desk: Desk, caller: Caller, server: ChatServer):
    with_model(desk, server)
    with tenant_scope(desk.person.tenant_id):
        endpoint = {"url": server.url, "model": "other"}
        other = IntegrationConfig.objects.create(
            workspace_id=desk.assistant.workspace_id,
            name="Other",
            type_enum="chat_model",
            config_encrypted_json=endpoint,
        )
    server.otherwise = says("They dance [1].")
    chosen = {"integration": str(other.pk)}
    first = ask(caller, desk, model=chosen).json()
    assert (first["model"], server.requests[-1]["model"]) == ("other", "other")
    again = caller.post(f"messages/{first['message_id']}/regenerate/", {"model": {}}).json()
    assert again["model"] == "extractive" and len(server.requests) == 1
    assert ask(caller, desk).json()["model"] == "scripted", "the assistant is as it was"
    foreign = {"integration": str(desk.assistant.pk)}
    assert_problem(ask(caller, desk, model=foreign), 422, "question_invalid")
    viewer = make_member(desk.person.tenant_id, Role.VIEWER)
    body = {"question": QUESTION, "model": chosen}
    answer = viewer.client.post(f"/api/v1/{path_of(desk)}", body, content_type="application/json")
    assert_problem(answer, 403, "forbidden")
    page = f"/admin/chat/?pane=assistant:{desk.assistant.pk}&pane=assistant:{desk.assistant.pk}&model=&model={other.pk}"
    html = desk.person.client.get(page).content.decode()
    assert html.count("Answered by Other (Main) instead of") == 1 and f'data-model="{other.pk}"' in html
    assert "Answered by" not in viewer.client.get(page).content.decode()
