"""Web processes are killed while they write answers, and clients go at random: each question stays, and has one answer,
which ends."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from benchmarks.reports import Row
from conversations.models import Message, MessageRole, MessageState
from conversations.services.upkeep import end_interrupted_answers
from core.isolation.scope import tenant_scope
from tests.conversations.conftest import Desk, with_model
from tests.proof.conftest import Size
from tests.support.api_client import make_caller
from tests.support.chat_server import ChatServer, says
from tests.support.server import running_server

SEED, CLIENTS = 2026, 4
TEXT = " ".join(f"word{number}" for number in range(40)) + " [1]."


def ask(url: str, key: str, question: str, begun: threading.Event, leaves_after: float) -> str:
    """Read the answer until its end, or the server's, or until the client goes. Return the last event's name."""
    name = ""
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    try:
        with httpx.stream("POST", url, headers=headers, json={"question": question}, timeout=30) as response:
            deadline = time.monotonic() + leaves_after
            for line in response.iter_lines():
                begun.set()
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                if time.monotonic() > deadline:
                    return name
    except httpx.HTTPError:
        return name
    return name


def one_round(desk: Desk, key: str, chance: random.Random) -> dict[str, str]:
    """{question: the last event that its client has seen}"""
    path, begun = f"/api/v1/assistants/{desk.assistant.pk}/ask/", threading.Event()
    questions = [f"How do honey bees tell where flowers are, {uuid4().hex}?" for _ in range(CLIENTS)]
    leaving = [chance.uniform(0.1, 2.0) if number % 2 else 60.0 for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:
        with running_server() as address:
            asking = [
                threads.submit(ask, f"{address}{path}", key, question, begun, leaves)
                for question, leaves in zip(questions, leaving, strict=True)
            ]
            assert begun.wait(60), "the server answers"
            time.sleep(chance.uniform(0.0, 3.0))
        return {question: one.result() for question, one in zip(questions, asking, strict=True)}


def rows(desk: Desk) -> list[Message]:
    with tenant_scope(desk.person.tenant_id):
        return list(Message.objects.all())


def test_killed_web_processes_and_lost_clients_leave_no_half_answers(
    desk: Desk, server: ChatServer, size: Size, measured: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds, chance, seen = size(4, 170), random.Random(SEED), dict[str, str]()
    server.otherwise = says(TEXT, pause=0.03)
    with_model(desk, server)
    key = make_caller(desk.person).key.secret
    for _ in range(rounds):
        seen |= one_round(desk, key, chance)
    monkeypatch.setattr("conversations.services.following.SILENCE", timedelta(0))
    end_interrupted_answers()
    ended = check(rows(desk), seen)
    assert ended.total() >= rounds
    measured += figures(rounds, seen, ended)


def check(messages: list[Message], seen: dict[str, str]) -> Counter[str]:
    """Return how the answers have ended."""
    asked = {message.text: message for message in messages if message.role == MessageRole.USER}
    assert {question for question, last in seen.items() if last} <= asked.keys(), "no question is lost"
    answers = [message for message in messages if message.role == MessageRole.ASSISTANT]
    assert Counter(answer.parent_id for answer in answers) == Counter(one.pk for one in asked.values())
    for answer in answers:
        assert answer.state != MessageState.GENERATING
        assert TEXT.startswith(answer.text) and (answer.state != MessageState.DONE or answer.text == TEXT)
    finished = {asked[question].pk for question, last in seen.items() if last == "finished"}
    assert all(answer.state == MessageState.DONE for answer in answers if answer.parent_id in finished)
    return Counter(answer.state for answer in answers)


def figures(rounds: int, seen: dict[str, str], ended: Counter[str]) -> list[Row]:
    measured = {
        "web processes killed": rounds,
        "clients, half of which went at random": len(seen),
        "questions that were accepted": ended.total(),
        "answers that ended whole, were stopped, or were ended as interrupted": json.dumps(ended).strip("{}"),
    }
    return [{"What": what, "Measured": str(value), "Target": "–"} for what, value in measured.items()]
