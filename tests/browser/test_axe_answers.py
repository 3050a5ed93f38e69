"""The pages of answers, with answers on them, meet WCAG 2.2, levels A and AA: at both widths, in both themes."""

from __future__ import annotations

import json
from pathlib import Path

from django.urls import reverse
from playwright.sync_api import Page

from conversations.models import Feedback, Message, Trace
from conversations.services.cases import save_as_case
from conversations.services.feedback import give_feedback
from core.isolation.scope import tenant_scope
from knowledge.models import EvaluationCase, EvaluationSet
from knowledge.search.evaluation_runs import run_evaluation
from tests.conftest import Person
from tests.conversations.conftest import make_desk
from tests.support.admin_pages import url
from tests.support.axe import Colours, violations, violations_of

LOOKS: list[tuple[int, Colours]] = [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")]


def test_pages_of_answers_have_no_violation(owner: Person, page: Page, tmp_path: Path):
    desk = make_desk(owner, tmp_path / "own")
    reply = desk.reply()
    desk.reply("xyzzy plugh frobnicate?", conversation=reply.conversation_id)
    give_feedback(actor=owner.actor, message=reply.message_id, rating="down", reason="wrong", comment="Bees?")
    case = save_as_case(actor=owner.actor, message=reply.message_id)
    run_evaluation(actor=owner.actor, evaluation_set=case.evaluation_set_id)
    weak = {"start": 0, "end": 20, "cited": [1], "support": "weak", "reason": "The number 7 is in no source."}
    with tenant_scope(owner.tenant_id):
        Message.objects.filter(pk=reply.message_id).update(
            sentences_json=[weak], model="scripted", why="Asked."
        )
        rated = Feedback.objects.get()
    chat, assistant = reverse("admin:chat"), f"assistant:{desk.assistant.pk}"
    addresses = [
        f"{chat}?pane=conversation:{reply.conversation_id}",
        f"{chat}?pane=conversation:{reply.conversation_id}&pane={assistant}&model=&model=quotations",
        f"{chat}?pane={assistant}&temporary=on",
        url(Trace, "change", reply.trace_id),
        url(Trace, "changelist"),
        url(Feedback, "change", rated.pk),
        url(Feedback, "changelist"),
        url(EvaluationSet, "change", case.evaluation_set_id),
        url(EvaluationCase, "change", case.pk),
    ]
    found = violations_of(page, addresses, LOOKS)
    page.goto(addresses[0])
    page.get_by_role("button", name="Delete", exact=True).click()
    found |= violations(page)
    assert not found, json.dumps(found, indent=1)
