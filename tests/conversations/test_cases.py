"""Answers as cases of evaluation sets, and runs of these."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from conversations.models import Feedback, Message
from conversations.services.feedback import give_feedback
from core.isolation.scope import tenant_scope
from core.permissions import Role
from knowledge.models import Document, EvaluationCase, EvaluationRun, EvaluationSet
from tests.conftest import Person, make_member
from tests.conversations.conftest import Desk
from tests.support.admin_pages import url
from tests.support.api_client import Caller, assert_problem, make_caller

QUESTION = "How do honey bees tell where flowers are?"


@pytest.fixture
def caller(desk: Desk) -> Caller:
    return make_caller(desk.person)


def document_id(desk: Desk, name: str) -> str:
    with tenant_scope(desk.person.tenant_id):
        return str(Document.objects.get(filename=name).pk)


def rows_of(desk: Desk, model: Any) -> list[Any]:
    with tenant_scope(desk.person.tenant_id):
        return list(model.objects.order_by("created_at"))


def test_answer_becomes_a_case_and_the_set_is_measured_in_two_settings(desk: Desk, caller: Caller):
    reply = desk.reply(QUESTION)
    for _ in range(2):
        case = caller.post(f"messages/{reply.message_id}/case/", {})
        assert case.status_code == 201
    assert len(rows_of(desk, EvaluationCase)) == 1, "saved again, it is replaced"
    body, bees = case.json(), document_id(desk, "bees.md")
    assert body["question"] == QUESTION and [one["document"] for one in body["expected_json"]] == [bees]
    rivers = {"document": document_id(desk, "rivers.md")}
    wrong = {"question": "What do wasps eat?", "expected_json": [rivers, {"document": bees, "page": 7}]}
    made = caller.post("evaluation-cases/", {"evaluation_set": body["evaluation_set"], **wrong})
    assert made.status_code == 201
    caller.post("evaluation-cases/", {"evaluation_set": body["evaluation_set"], "question": "Not judged?"})
    path = f"evaluation-sets/{body['evaluation_set']}/run/"
    run = caller.post(path, {"mode": "sparse"}).json()
    assert (run["mode"], run["rerank"], run["cases"]) == ("sparse", False, 2)
    assert run["ranks_json"][body["id"]] == {bees: 1}
    assert run["ranks_json"][made.json()["id"]][bees] is None, "it is not on that page"
    assert 0.5 <= run["ndcg"] <= 1 and run["recall"] in (0.5, 0.75) and run["hit_rate"] in (0.5, 1.0)
    assert caller.post(path, {"rerank": True}).json()["rerank"]
    runs = caller.get(f"evaluation-runs/?evaluation_set={body['evaluation_set']}").json()["results"]
    assert len(runs) == 2
    out = StringIO()
    tenant = str(desk.person.tenant_id)
    call_command("evaluate", set="Saved answers", tenant=tenant, json=True, stdout=out)
    assert json.loads(out.getvalue())["sparse"]["ndcg@10"] == run["ndcg"]
    assert len(rows_of(desk, EvaluationRun)) == 2 + 3


def test_one_click_on_each_page_and_a_run_from_the_admin(desk: Desk):
    reply = desk.reply(QUESTION)
    with tenant_scope(desk.person.tenant_id):
        owner = Message.objects.get(pk=reply.message_id)
        trace = owner.trace.pk
    give_feedback(actor=desk.person.actor, message=reply.message_id, rating="down")
    (feedback,) = rows_of(desk, Feedback)
    editor = make_member(desk.person.tenant_id, Role.EDITOR)
    viewer = make_member(desk.person.tenant_id, Role.VIEWER)
    address = reverse("admin:conversations_feedback_save_case", args=[feedback.pk])
    assert viewer.client.get(address).status_code == 403 and rows_of(desk, EvaluationCase) == []
    assert "Save as a case" in editor.client.get(url(Feedback, "change", feedback.pk)).content.decode()
    answer = editor.client.get(address, follow=True)
    assert "Check which documents are expected" in answer.content.decode()
    (case,) = rows_of(desk, EvaluationCase)
    assert case.source_message == reply.message_id
    page = desk.person.client.get(f"/admin/chat/?pane=conversation:{reply.conversation_id}").content.decode()
    assert 'data-do="case"' in page
    of_trace = reverse("admin:conversations_trace_save_case", args=[trace])
    assert desk.person.client.get(of_trace).status_code == 302 and len(rows_of(desk, EvaluationCase)) == 1
    (found,) = rows_of(desk, EvaluationSet)
    run = reverse("admin:evaluation_figures", args=[found.pk])
    pressed = {"do": "run", "setting": "hybrid"}
    assert "nDCG@10 1.000" in editor.client.post(run, pressed, follow=True).content.decode()
    assert viewer.client.post(run, pressed).status_code == 403
    with tenant_scope(desk.person.tenant_id):
        EvaluationCase.objects.all().update(expected_json=[])
    assert "No case of this set" in editor.client.post(run, pressed, follow=True).content.decode()


def test_bad_cases_and_others_answers_are_refused(desk: Desk, caller: Caller, stranger: Person):
    message = desk.reply(QUESTION).message_id
    with tenant_scope(desk.person.tenant_id):
        found = EvaluationSet.objects.create(workspace_id=desk.assistant.workspace_id, name="Mine")
    assert_problem(make_caller(stranger).post(f"messages/{message}/case/", {}), 404, "not_found")
    other = make_caller(make_member(desk.person.tenant_id, Role.ADMIN))
    assert_problem(other.post(f"messages/{message}/case/", {}), 404, "not_found")
    assert_problem(caller.post("messages/x/case/", {}), 404, "not_found")
    bees = document_id(desk, "bees.md")
    for expected, hint in (
        ([{"document": "bees.md"}], "expected_json"),
        ([{"document": bees}, {"document": bees, "page": 2}], "each document once"),
        ([{"document": str(message)}], "has no document"),
        ({"document": bees}, "a list"),
    ):
        body = {"evaluation_set": str(found.pk), "question": "Why?", "expected_json": expected}
        answer = caller.post("evaluation-cases/", body)
        assert answer.status_code == 422 or answer.status_code == 400
        assert hint in answer.content.decode()
    assert_problem(caller.post(f"evaluation-sets/{found.pk}/run/", {}), 422, "invalid")
    limited = make_caller(desk.person, scopes=["conversations:write"])
    assert_problem(limited.post(f"messages/{message}/case/", {}), 403, "forbidden")
    assert rows_of(desk, EvaluationCase) == []
