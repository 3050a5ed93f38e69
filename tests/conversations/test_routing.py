"""Who answers a question to a teammate, and what is said of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.urls import reverse

from assistants.models import Assistant, Teammate
from assistants.orchestration import Orchestration, Strategy
from conversations.routing.deciding import decide
from conversations.routing.service import note_outcome, route
from conversations.routing.strategies.round_robin import shares_of
from conversations.routing.values import Candidate, Measured
from core.isolation.scope import tenant_scope
from core.isolation.time_limits import BULK, time_limits
from knowledge.models import Document
from tests.conftest import Person
from tests.conversations.conftest import make_desk
from tests.support.api_client import assert_problem, make_caller
from tests.support.chat_server import ChatServer, fails, says
from tests.support.model_server import running
from workspaces.models import Workspace


def make_team(
    person: Person, config: dict[str, Any], *names: str, descriptions: Sequence[str] = ()
) -> tuple[Teammate, dict[str, UUID]]:
    """A teammate in a workspace of its own, with its assistants of these names. In `config`, an assistant's name stands for
    its id."""
    with tenant_scope(person.tenant_id):
        place = Workspace.objects.create(name=f"W {uuid4().hex}")
        team = Teammate.objects.create(workspace=place, name="Team")
        ids = {}
        for number, name in enumerate(names):
            description = descriptions[number] if descriptions else ""
            row = Assistant.objects.create(workspace=place, teammate=team, name=name, description=description)
            ids[name] = row.pk
        team.orchestration_config = _with_ids(config, ids)
        team.full_clean()
        team.save()
    return team, ids


def _with_ids(value: Any, ids: dict[str, UUID]) -> Any:
    if isinstance(value, dict):
        return {str(ids.get(key, key)): _with_ids(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_ids(one, ids) for one in value]
    return str(ids.get(value, value)) if isinstance(value, str) else value


def dry(person: Person, team: Teammate, question: str = "What is this?") -> Any:
    answer = make_caller(person).post(f"teammates/{team.pk}/route/", {"question": question})
    assert answer.status_code == 200, answer.content
    return answer.json()


def chosen(person: Person, team: Teammate, question: str = "What is this?") -> str:
    (one,) = dry(person, team, question)["assistants"]
    return str(one["name"])


def ask_in_parallel(person: Person, team: Teammate, times: int) -> Counter[UUID]:
    def ask(_: int) -> UUID:
        with time_limits(BULK):
            (one,) = route(actor=person.actor, teammate=team.pk, question="Who?").assistants
        return one

    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(ask, range(times)))


def test_round_robin_is_exactly_fair_over_parallel_questions(owner: Person):
    """The example of the seed, with a fallback."""
    config = {"strategy": "round_robin", "assistants": ["Ada", "Bob"], "fallback_assistant": "Ada"}
    team, ids = make_team(owner, config, "Ada", "Bob")

    assert ask_in_parallel(owner, team, 1000) == {ids["Ada"]: 500, ids["Bob"]: 500}


def test_weights_are_kept_over_parallel_questions(owner: Person):
    weights = {"Ada": 5, "Bob": 3, "Cyd": 2}
    team, ids = make_team(owner, {"strategy": "round_robin", "weights": weights}, *weights)
    assert ask_in_parallel(owner, team, 200) == {ids["Ada"]: 100, ids["Bob"]: 60, ids["Cyd"]: 40}


@pytest.mark.parametrize(
    "weights",
    [
        (1, 1, 1),
        (0.1, 0.7, 0.2),
        (1000, 1),
        (3, 0, 1),
        (1 / 3, 2 / 3),
        (7.77, 1.23, 990.001),
        (1e-4, 3e-4),
        (0.0006, 1000),
    ],
)
def test_any_weights_are_within_one_percent_of_a_thousand(weights: tuple[float, ...]):
    people = tuple(Candidate(id=uuid4(), name=str(number)) for number in range(len(weights)))
    config = Orchestration(
        strategy="round_robin",  # type: ignore[arg-type]
        weights={one.id: weight for one, weight in zip(people, weights, strict=True)},
    )
    now = datetime.now(UTC)
    counts = Counter(
        decide(config, "?", (), Measured(now=now, candidates=people, turn=turn)).assistants[0]
        for turn in range(1000)
    )
    for one, weight in zip(people, weights, strict=True):
        assert abs(counts[one.id] / 1000 - weight / sum(weights)) <= 0.01
    assert sum(shares_of(weights)) <= 1001


def test_dry_run_takes_no_turn_and_says_whose_it_is(owner: Person):
    team, _ = make_team(owner, {"strategy": "round_robin", "assistants": ["Ada", "Bob"]}, "Ada", "Bob")
    assert dry(owner, team) == dry(owner, team)
    assert dry(owner, team)["why"] == "It is the turn of 'Ada': turn 1 of 2."
    route(actor=owner.actor, teammate=team.pk, question="Who?")
    assert chosen(owner, team) == "Bob"


def test_priority_passes_over_deleted_and_suspended_ones(owner: Person):
    config = {"strategy": "priority", "assistants": ["Cyd", "Bob", "Ada"]}
    team, ids = make_team(owner, config, "Ada", "Bob", "Cyd")
    assert chosen(owner, team) == "Cyd"
    with tenant_scope(owner.tenant_id):
        Assistant.objects.filter(pk=ids["Cyd"]).soft_delete()
    assert chosen(owner, team) == "Bob"
    with tenant_scope(owner.tenant_id):
        Assistant.objects.filter(pk=ids["Bob"]).update(is_suspended=True)
    assert chosen(owner, team) == "Ada"
    with tenant_scope(owner.tenant_id):
        Assistant.objects.filter(pk=ids["Ada"]).soft_delete()
    answer = make_caller(owner).post(f"teammates/{team.pk}/route/", {"question": "Who?"})
    assert_problem(answer, 409, "nobody_answers")


def test_who_fails_is_passed_over_for_a_time(owner: Person):
    config = {
        "strategy": "priority",
        "assistants": ["Ada", "Bob"],
        "cooldown": {"failures": 2, "seconds": 60},
    }
    team, ids = make_team(owner, config, "Ada", "Bob")
    note_outcome(tenant_id=owner.tenant_id, assistant=ids["Ada"], failed=True)
    assert chosen(owner, team) == "Ada"
    note_outcome(tenant_id=owner.tenant_id, assistant=ids["Ada"], failed=True)
    found = dry(owner, team)
    assert found["assistants"][0]["name"] == "Bob"
    assert found["passed_over"][0].startswith("'Ada' has failed 2 times in a row, and is asked again in ")
    note_outcome(tenant_id=owner.tenant_id, assistant=ids["Ada"], failed=False)
    assert chosen(owner, team) == "Ada"


def test_fallback_that_has_failed_is_passed_over_where_another_can_answer():
    now = datetime.now(UTC)
    ada, bob = Candidate(id=uuid4(), name="Ada"), Candidate(id=uuid4(), name="Bob", failures=3, failed_at=now)
    config = Orchestration(strategy=Strategy.RULES, fallback=bob.id)
    with_both = Measured(now=now, candidates=(ada, bob), fallback=bob)
    assert decide(config, "What?", (), with_both).assistants == (ada.id,)
    alone = Measured(now=now, candidates=(bob,), fallback=bob)
    assert decide(config, "What?", (), alone).assistants == (bob.id,)


def test_rules_choose_by_words_language_and_expression(owner: Person):
    rules = [
        {"assistant": "Bob", "keywords": ["invoice", "Mahnung"], "languages": ["de"]},
        {"assistant": "Cyd", "regex": "(?i)order [0-9]{4}"},
    ]
    config = {"strategy": "rules", "rules": rules, "fallback_assistant": "Ada"}
    team, _ = make_team(owner, config, "Ada", "Bob", "Cyd")
    found = dry(owner, team, "Wann muss ich nach der zweiten Mahnung die Rechnung bezahlen?")
    assert found["assistants"][0]["name"] == "Bob"
    assert found["why"] == "Rule 1 matches: the question has 'Mahnung', and its language is 'de'."
    assert chosen(owner, team, "Where is Order 1234 at the moment?") == "Cyd"
    found = dry(owner, team, "Where is the invoice of last week, please?")
    assert found["why"] == "No rule matches. So 'Ada' answers, as the fallback."


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [("21:59", False), ("22:00", True), ("05:59", True), ("06:00", False)],
)
def test_rules_choose_by_the_time_of_day_beyond_midnight(owner: Person, clock: str, is_open: bool):
    hours = {"from": "22:00", "to": "06:00", "timezone": "Europe/Berlin"}
    config = {
        "strategy": "rules",
        "rules": [{"assistant": "Bob", "hours": hours}],
        "fallback_assistant": "Ada",
    }
    team, ids = make_team(owner, config, "Ada", "Bob")
    ada, bob = (Candidate(id=ids[name], name=name) for name in ("Ada", "Bob"))
    berlin = datetime.fromisoformat(f"2026-01-15T{clock}:00+01:00")
    measured = Measured(now=berlin.astimezone(UTC), candidates=(ada, bob), fallback=ada)
    choice = decide(Orchestration.of(team), "?", (), measured)
    assert choice.assistants == ((bob if is_open else ada).id,)


def test_rules_choose_by_the_tags_of_the_best_passages(owner: Person, tmp_path: Path):
    desk = make_desk(owner, tmp_path / "own")
    with tenant_scope(owner.tenant_id):
        place = desk.assistant.workspace
        other = Assistant.objects.create(workspace=place, name="Other")
        tag = desk.library.reference.tags.create(tag="insects")
        document = Document.objects.get(filename="bees.md")
        document.document_tags.create(tag=tag)
        for chunk in document.chunks.all():
            chunk.tag_links.create(tag=tag, source="manual")
        rules = [{"assistant": str(desk.assistant.pk), "tags": ["insects"]}]
        config = {"strategy": "rules", "rules": rules, "fallback_assistant": str(other.pk)}
        team = Teammate.objects.create(workspace=place, name="Team", orchestration_config=config)
    found = dry(owner, team, "How do honey bees tell where flowers are?")
    assert found["why"] == "Rule 1 matches: the best passages have the tag 'insects'."


def test_similarity_chooses_by_description_and_knowledge(owner: Person, tmp_path: Path):
    desk = make_desk(owner, tmp_path / "own", name="Library")
    with tenant_scope(owner.tenant_id):
        place = desk.assistant.workspace
        payroll = Assistant.objects.create(
            workspace=place, name="Payroll", description="Salaries, taxes and holidays of employees"
        )
        ids = [str(payroll.pk), str(desk.assistant.pk)]
        config = {"strategy": "similarity", "assistants": ids}
        team = Teammate.objects.create(workspace=place, name="Team", orchestration_config=config)
    assert chosen(owner, team, "How do honey bees tell where flowers are?") == "Library"
    found = dry(owner, team, "How many days of holiday does an employee have?")
    assert found["assistants"][0]["name"] == "Payroll"
    assert [one["name"] for one in found["scores"]] == ["Payroll", "Library"]


def test_broadcast_chooses_all(owner: Person):
    config = {"strategy": "broadcast", "broadcast": {"answer": "merged"}}
    team, _ = make_team(owner, config, "Ada", "Bob")
    found = dry(owner, team)
    assert [one["name"] for one in found["assistants"]] == ["Ada", "Bob"] and found["answer"] == "merged"


def test_who_has_answered_goes_on_in_a_sticky_conversation():
    ada, bob = (Candidate(id=uuid4(), name=name) for name in ("Ada", "Bob"))
    now = datetime.now(UTC)
    measured = Measured(now=now, candidates=(ada, bob), last_assistant=bob.id)
    sticky = Orchestration(strategy="priority", is_sticky=True)  # type: ignore[arg-type]
    assert decide(sticky, "?", (), measured).assistants == (bob.id,)
    loose = Orchestration(strategy="priority")  # type: ignore[arg-type]
    assert decide(loose, "?", (), measured).assistants == (ada.id,)
    failing = Candidate(id=bob.id, name="Bob", failures=3, failed_at=now - timedelta(seconds=1))
    cooling = Measured(now=now, candidates=(ada, failing), last_assistant=bob.id)
    assert decide(sticky, "?", (), cooling).assistants == (ada.id,)


@pytest.mark.parametrize(
    "config",
    [
        None,
        [],
        "x",
        {"strategy": "gone", "assistants": "x"},
        {"strategy": "rules", "rules": [{"assistant": "x"}, {"regex": "("}]},
        {"strategy": "round_robin", "weights": {"x": 1}, "cooldown": {"failures": 10**30}},
        {"strategy": "llm", "model": {"integration": str(UUID(int=1)), "name": "m"}},
    ],
    ids=str,
)
def test_stored_configurations_that_are_not_valid_are_no_crash(owner: Person, config: Any):
    team, _ = make_team(owner, {"strategy": "priority"}, "Ada")
    with tenant_scope(owner.tenant_id):
        Teammate.objects.filter(pk=team.pk).update(orchestration_config=config)
    assert chosen(owner, team) == "Ada"
    assert make_caller(owner).get(f"teammates/{team.pk}/").status_code == 200


def test_another_tenants_teammate_is_absent(owner: Person, stranger: Person):
    team, _ = make_team(owner, {"strategy": "priority"}, "Ada")
    answers = {
        make_caller(stranger).post(f"teammates/{pk}/route/", {"question": "?"}).json()["detail"]
        for pk in (team.pk, uuid4(), "x")
    }
    assert len(answers) == 1


def test_teammate_answers_by_the_one_that_it_chooses(owner: Person, tmp_path: Path):
    desk = make_desk(owner, tmp_path / "own", name="Library")
    with tenant_scope(owner.tenant_id):
        config = {"strategy": "priority", "assistants": [str(desk.assistant.pk)]}
        team = Teammate.objects.create(
            workspace=desk.assistant.workspace, name="Team", orchestration_config=config
        )
    body = {"question": "How do honey bees tell where flowers are?"}
    answer = make_caller(owner).post(f"teammates/{team.pk}/ask/", body).json()
    assert (answer["assistant"], answer["why"]) == ("Library", "'Library' is the first that can answer.")
    with tenant_scope(owner.tenant_id):
        Assistant.objects.filter(pk=desk.assistant.pk).update(is_suspended=True)
    answer = make_caller(owner).post(f"teammates/{team.pk}/ask/", body)
    assert answer.json()["code"] == "nobody_answers"
    answer = make_caller(owner).post(f"assistants/{desk.assistant.pk}/ask/", body)
    assert answer.json()["code"] == "assistant_suspended"


def test_model_chooses_from_the_list(owner: Person):
    ada, bob = (Candidate(id=uuid4(), name=name) for name in ("Ada", "Bob"))
    config = Orchestration(strategy="llm")  # type: ignore[arg-type]
    now = datetime.now(UTC)
    replies = {
        '{"number": 2, "reason": "He knows."}': (bob.id, "The model chose 'Bob': He knows."),
        '{"number": 3}': (ada.id, "The model chose none of the list. So 'Ada' answers"),
        '{"number": 0}': (ada.id, "The model chose none of the list."),
        '{"number": "2"}': (ada.id, "The model chose none of the list."),
        "Bob!": (ada.id, "The model chose none of the list."),
        "[" * 100_000: (ada.id, "The model chose none of the list."),
        "": (ada.id, "No chat model is set"),
    }
    for reply, (pk, reason) in replies.items():
        choice = decide(config, "?", (), Measured(now=now, candidates=(ada, bob), reply=reply))
        assert choice.assistants == (pk,) and choice.reason.startswith(reason), reply


def test_page_and_command_say_who_would_answer(owner: Person, stranger: Person):
    team, _ = make_team(owner, {"strategy": "round_robin"}, "Ada", "Bob")
    address = reverse("admin:who_would_answer", args=[team.pk])
    page = owner.client.get(address, {"question": "Who?"}).content.decode()
    assert "It is the turn of &#x27;Ada&#x27;: turn 1 of 2." in page
    assert stranger.client.get(address, {"question": "Who?"}).status_code == 404
    output = StringIO()
    call_command("route", str(team.pk), "Who?", "--tenant", str(owner.tenant_id), "--json", stdout=output)
    result = json.loads(output.getvalue())
    assert [one["name"] for one in result["assistants"]] == ["Ada"]
    assert [one["score"] for one in result["scores"]] == [0.5, 0.5]


def test_published_instruction_and_the_next_one_answer_side_by_side(
    owner: Person, stranger: Person, tmp_path: Path
):
    desk = make_desk(owner, tmp_path / "own", name="Library")
    address = reverse("admin:compare_instructions", args=[desk.assistant.pk])
    form = {"source": "instruction", "questions": "How do honey bees tell where flowers are?\n\nWho?"}
    page = owner.client.post(address, form)
    compared = page.context["compared"]
    assert [one.question for one in compared] == form["questions"].split("\n\n")
    assert compared[0].published == compared[0].draft and "[1]" in compared[0].draft
    page = owner.client.post(address, {**form, "questions": "\n".join("abcdef")})
    assert "Give 1 to 5 questions" in page.content.decode()
    assert stranger.client.post(address, form).status_code == 404


def test_chat_model_is_asked_who_answers(owner: Person, settings: Any):
    """It reads names, descriptions and the teammate's own instruction, and is constrained to the list."""
    script = says('{"number": 2, "reason": "It is about money."}')
    team, ids = make_team(
        owner, {"strategy": "priority"}, "Ada", "Bob", descriptions=["Printers", "Invoices and salaries"]
    )
    caller = make_caller(owner)
    with running(ChatServer(script, otherwise=fails(500))) as server:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_port}"]
        form = {
            "workspace": str(team.workspace_id),
            "name": "Model",
            "type_enum": "chat_model",
            "config": {"url": server.url, "api_key": "k", "model": "scripted"},
        }
        model = {"integration": caller.post("integration-configs/", form).json()["id"]}
        config = {"strategy": "llm", "model": model, "llm": {"instruction": "Prefer Bob."}}
        changed = caller("patch", f"teammates/{team.pk}/", {"orchestration_config": config})
        assert changed.status_code == 200, changed.content
        found = dry(owner, team, "When is my salary paid?")
        assert [one["id"] for one in found["assistants"]] == [str(ids["Bob"])]
        assert found["why"] == "The model chose 'Bob': It is about money."
        system, question = server.requests[0]["messages"]
        assert "2. Bob: Invoices and salaries" in system["content"] and "Prefer Bob." in system["content"]
        assert question["content"] == "When is my salary paid?"
        schema = json.dumps(server.requests[0]["response_format"])
        assert '"enum": [1, 2]' in schema
    with running(ChatServer(otherwise=fails(401))) as broken:
        settings.OUTBOUND_ALLOW = [f"127.0.0.1:{broken.server_port}"]
        assert chosen(owner, team, "When is my salary paid?") == "Ada"
