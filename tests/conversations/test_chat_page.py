"""The chat page and the pages of conversations in the admin, through Django's client."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assistants.models import Teammate
from conversations.answering.events import Finished, FinishedReply
from conversations.models import Message
from conversations.presenting import shown_reply
from conversations.services.asking import edit, regenerate
from conversations.services.conversations import change_conversation
from conversations.services.feedback import give_feedback
from core.api.events import frame
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.services.tags import tag_documents
from tests.conftest import Person, make_member
from tests.conversations.chat_pages import CHAT, conversation, page
from tests.conversations.conftest import Desk


def test_a_new_conversation_offers_the_assistant_with_its_greeting(desk: Desk):
    with tenant_scope(desk.person.tenant_id):
        desk.assistant.settings_json = {"greeting": "Ask me <b>", "starter_questions": ["What do bees do?"]}
        desk.assistant.save()
    shown = page(desk.person.client)
    assert "Ask me &lt;b&gt;" in shown and "What do bees do?" in shown
    assert f'value="assistant:{desk.assistant.pk}" selected' in shown
    asked = desk.person.client.get(reverse("admin:assistants_assistant_ask", args=[desk.assistant.pk]))
    assert asked["Location"] == f"{CHAT}?pane=assistant:{desk.assistant.pk}"


def test_without_an_assistant_the_page_says_what_to_do(owner: Person):
    assert "There is no assistant to ask yet" in page(owner.client)


def test_an_answer_is_shown_with_its_sources(desk: Desk):
    reply = desk.reply()
    shown = page(desk.person.client, conversation(reply))
    anchor = f"source-{reply.message_id}-1"
    assert f'href="#{anchor}"' in shown and f'id="{anchor}"' in shown
    assert "Quoted from the documents, word for word" in shown and "bees.md" in shown
    assert "relevance <strong>" in shown and "Guide" in shown and reply.why in shown
    assert reverse("admin:conversations_trace_change", args=[reply.trace_id]) in shown


def test_tags_are_shown_with_who_set_them(desk: Desk):
    set_tag(desk, "insects")
    shown = page(desk.person.client, conversation(desk.reply()))
    assert "insects</span> Manual" in shown and desk.person.user.email in shown


def set_tag(desk: Desk, tag: str) -> None:
    documents = [row.pk for row in desk.library.documents().values() if row.filename == "bees.md"]
    tag_documents(actor=desk.person.actor, document_ids=documents, tags=[tag])
    desk.library.work()


def test_a_source_leads_to_its_document_with_the_passage_marked(desk: Desk):
    (citation, *_) = desk.reply().citations
    address = reverse("admin:knowledge_chunk_in_document", args=[citation.chunk_id])
    shown = desk.person.client.get(address, {"start": citation.start, "end": citation.end}).content.decode()
    assert f'<mark id="passage">{citation.text}</mark>' in shown
    for start, end in (("x", "9"), ("9", "1"), ("0", "9" * 11)):
        marked = desk.person.client.get(address, {"start": start, "end": end}).content.decode()
        assert '<mark id="passage">' in marked and "dance" in marked.partition("<mark")[2]


def test_a_source_that_is_gone_is_said_to_be(desk: Desk):
    reply = desk.reply()
    desk.library.add("bees.md", "# Wasps\n\nWasps do not dance.\n")
    shown = page(desk.person.client, conversation(reply))
    assert "The document has changed since, or was deleted." in shown and "honey bees" in shown.lower()


def test_refusals_and_errors_are_shown_as_such(desk: Desk):
    reply = desk.reply("Qual è la capitale della Mongolia?")
    assert "Not in the documents" in page(desk.person.client, conversation(reply))
    with tenant_scope(desk.person.tenant_id):
        Message.objects.filter(pk=reply.message_id).update(
            state="error", error_code="x", error_detail="Nothing <works>."
        )
    assert "Nothing &lt;works&gt;." in page(desk.person.client, conversation(reply))


def test_branches_lead_to_each_other(desk: Desk):
    reply = desk.reply()
    (first, _) = messages(desk)
    *_, again = regenerate(actor=desk.person.actor, message=reply.message_id)
    list(edit(actor=desk.person.actor, message=first.pk, question="Which river is the longest?"))
    newest = page(desk.person.client, conversation(reply))
    assert "Which river is the longest?" in newest and "2/2" in newest
    older = page(desk.person.client, f"{conversation(reply)}:{reply.message_id}")
    assert "Which river is the longest?" not in older.partition("data-thread")[2]
    assert isinstance(again, Finished) and f"{conversation(reply)}:{again.reply.message_id}" in older


def messages(desk: Desk) -> list[Message]:
    with tenant_scope(desk.person.tenant_id):
        return list(Message.objects.order_by("created_at"))


def test_two_are_compared_side_by_side(desk: Desk):
    with tenant_scope(desk.person.tenant_id):
        teammate = Teammate.objects.create(workspace_id=desk.assistant.workspace_id, name="Team")
    shown = page(desk.person.client, f"assistant:{desk.assistant.pk}", f"teammate:{teammate.pk}")
    assert shown.count("<section") == 2 and "Conversation with Team" in shown


@pytest.mark.parametrize(
    "address", ["x", "assistant:x", f"assistant:{UUID(int=1)}", f"conversation:{UUID(int=1)}"]
)
def test_an_address_of_nothing_is_not_found(desk: Desk, address: str):
    assert desk.person.client.get(CHAT, {"pane": address}).status_code == 404


def test_others_see_what_is_shared_and_change_nothing(desk: Desk, viewer: Person, stranger: Person):
    reply = desk.reply()
    for client in (viewer.client, stranger.client):
        assert client.get(CHAT, {"pane": conversation(reply)}).status_code == 404
        assert "flowers" not in page(client)
    change_conversation(actor=desk.person.actor, conversation=reply.conversation_id, is_shared=True)
    shown = page(viewer.client, conversation(reply))
    assert "dance" in shown and "shared by a colleague" in shown
    assert 'data-do="edit"' not in shown and 'data-do="delete"' not in shown and "data-readonly" in shown
    assert stranger.client.get(CHAT, {"pane": conversation(reply)}).status_code == 404


def test_conversations_are_searched_by_title_and_text(desk: Desk):
    desk.reply()
    desk.reply("Which river is the longest?")
    found = page(desk.person.client, q="RIVER")
    assert "Which river is the longest?" in found and "How do honey bees" not in found
    assert "How do honey bees" in page(desk.person.client, q="dance to tell")
    assert "Nothing found." in page(desk.person.client, q="zebra\0%")


def test_a_temporary_answer_is_shown_and_not_kept(desk: Desk):
    reply = desk.reply(keep=False)
    data = frame("finished", shown_reply(reply)).decode().partition("data: ")[2]
    response = render(desk.person.client, data)
    assert response.status_code == 200 and "dance" in response.content.decode()
    assert "Trace" not in response.content.decode() and messages(desk) == []


def render(client: Client, body: str) -> Any:
    return client.post(f"{CHAT}answer/", body, content_type="application/json")


@pytest.mark.parametrize("body", ["", "[]", "{", '{"answer": 1}', "null"])
def test_a_body_that_is_no_answer_is_refused(desk: Desk, body: str):
    assert render(desk.person.client, body).status_code == 400


def test_pages_are_for_members(desk: Desk):
    assert Client().get(CHAT).status_code == 302
    assert render(Client(), "{}").status_code == 302
    assert Client(enforce_csrf_checks=True).post(f"{CHAT}answer/").status_code in (302, 403)


def test_queries_do_not_grow_with_messages_and_conversations(desk: Desk):
    reply = desk.reply()
    before = queries(desk, conversation(reply))
    for _ in range(3):
        desk.reply(conversation=reply.conversation_id)
        desk.reply("Which river is the longest?")
    assert queries(desk, conversation(reply)) <= before


def queries(desk: Desk, address: str) -> int:
    client = desk.person.client
    page(client, address)
    with CaptureQueriesContext(connection) as captured:
        page(client, address)
    return len(captured)


def test_the_trace_has_every_stage(desk: Desk):
    reply = desk.reply()
    address = reverse("admin:conversations_trace_change", args=[reply.trace_id])
    shown = desk.person.client.get(address).content.decode()
    for title in ("Who answers", "The question for the search", "What the search found", "Quoting"):
        assert title in shown
    assert "bees.md" in shown and "dense" in shown


def listed(person: Person, name: str) -> str:
    response = person.client.get(reverse(f"admin:conversations_{name}_changelist"))
    assert response.status_code == 200
    return response.content.decode()


def test_members_list_their_own_and_shared_ones(desk: Desk, viewer: Person):
    reply = desk.reply()
    ids = {"conversation": reply.conversation_id, "message": reply.message_id, "trace": reply.trace_id}
    for name, pk in ids.items():
        assert str(pk) in listed(desk.person, name) and str(pk) not in listed(viewer, name), name
    change_conversation(actor=desk.person.actor, conversation=reply.conversation_id, is_shared=True)
    for name, pk in ids.items():
        assert str(pk) in listed(viewer, name), name


def test_admins_see_the_feedback_of_all_with_its_trace(desk: Desk, viewer: Person):
    admin = make_member(desk.person.tenant_id, Role.ADMIN)
    reply = desk.reply()
    trace = reverse("admin:conversations_trace_change", args=[reply.trace_id])
    assert admin.client.get(trace).status_code == 302
    rate(desk, reply.message_id)
    assert trace in listed(admin, "feedback") and desk.person.user.email in listed(admin, "feedback")
    assert "Too short" not in listed(viewer, "feedback")
    assert admin.client.get(trace).status_code == 200 and viewer.client.get(trace).status_code == 302


def rate(desk: Desk, message: UUID) -> None:
    give_feedback(
        actor=desk.person.actor, message=message, rating="down", reason="incomplete", comment="Too short"
    )


def test_own_feedback_is_marked(desk: Desk):
    reply = desk.reply()
    assert 'aria-pressed="true"' not in thread(desk, reply)
    rate(desk, reply.message_id)
    give_feedback(actor=desk.person.actor, message=reply.message_id, citation=1, rating="up")
    assert thread(desk, reply).count('aria-pressed="true"') == 2


def thread(desk: Desk, reply: FinishedReply) -> str:
    return page(desk.person.client, conversation(reply)).partition("data-thread")[2]


def test_only_admins_set_how_long_conversations_are_kept(desk: Desk, viewer: Person):
    add = reverse("admin:conversations_retention_add")
    assert viewer.client.get(add).status_code == 403
    assert desk.person.client.post(add, {"days": "0"}).status_code == 200
    assert desk.person.client.post(add, {"days": "30"}).status_code == 302
    assert "30" in listed(desk.person, "retention")
    assert desk.person.client.post(add, {"days": "31"}).status_code == 200
