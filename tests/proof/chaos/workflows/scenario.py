"""A workflow with every kind of step of the engine, whose output depends on its input alone, and the runs of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conftest import Person, make_owner
from tests.conversations.conftest import make_desk
from tests.proof.chaos.workflows import knowledge
from tests.proof.chaos.workflows.outside import Outside
from tests.workflows.benches import make_bench
from workflows.models import Workflow

Step = dict[str, Any]
INPUTS = 5
RETRIED = {"retries": 10, "wait_seconds": 0.1}


def step(key: str, kind: str, config: dict[str, Any], **fields: Any) -> Step:
    return {"key": key, "type": kind, "config": config, **fields}


def effect(key: str, url: str, item: str) -> Step:
    body = f'{{"run": input.key, "step": "{key}", "item": {item}}}'
    return step(key, "http_request", {"method": "POST", "url": url, "json": body}, on_error=RETRIED)


def child_steps(url: str) -> list[Step]:
    return [
        effect("item", url, "input.item"),
        step("nap", "wait", {"seconds": 0.2}),
        step("end", "end", {"output": "steps.item.output.body.square"}),
    ]


def steps(url: str, *, child: str, square: str, knowledge: str) -> list[Step]:
    branch = {"workflow": square, "input": {"item": "input.n"}}
    return [
        step("prepare", "transform", {"values": {"n": "input.n", "items": "[1, 2, input.n]"}}),
        effect("announce", url, "input.n"),
        step(
            "is_even", "condition", {"if": "steps.prepare.output.n % 2 == 0", "then": "which", "else": "odd"}
        ),
        step("odd", "transform", {"values": {"kind": "'odd'"}}),
        step(
            "which",
            "switch",
            {
                "value": "steps.prepare.output.n % 3",
                "cases": [{"equals": 0, "step": "nap"}],
                "default": "count",
            },
        ),
        step(
            "count", "transform", {"values": {"n": "has(steps.count.output) ? steps.count.output.n + 1 : 1"}}
        ),
        step("again", "condition", {"if": "steps.count.output.n < 3", "then": "count"}),
        step("nap", "wait", {"seconds": 0.5}),
        step("go", "wait", {"signal": "go"}),
        step(
            "approve",
            "approval",
            {"question": "Is {{ input.n }} good?", "show": "input.n", "rejected": "refused"},
        ),
        step(
            "each",
            "iterate",
            {
                "items": 'steps.prepare.output.items.map(i, {"key": input.key, "item": i})',
                "workflow": child,
                "at_once": 2,
            },
            on_error=RETRIED,
        ),
        step("both", "parallel", {"branches": {"one": branch, "two": branch}}, on_error=RETRIED),
        step("sub", "sub_workflow", {"workflow": square, "input": {"item": "7"}}, on_error=RETRIED),
        step(
            "knowledge",
            "sub_workflow",
            {"workflow": knowledge, "input": {"key": "input.key", "n": "input.n"}},
            on_error=RETRIED,
        ),
        step(
            "wrong",
            "transform",
            {"values": {"n": "input.missing.n"}},
            on_error={"then": "continue", "output": "as ever"},
        ),
        effect("finish", url, "input.n"),
        step(
            "end",
            "end",
            {
                "output": '{"each": steps.each.output, "both": steps.both.output, "sub": steps.sub.output, "wrong": '
                'steps.wrong.output, "go": steps.go.output, "comment": steps.approve.output.comment, '
                '"knowledge": steps.knowledge.output}'
            },
        ),
        step("refused", "end", {"output": '{"refused": steps.approve.output.comment}'}),
    ]


def square_steps() -> list[Step]:
    return [step("square", "transform", {"values": {"n": "input.item * input.item"}})]


def make(name: str, outside: Outside, folder: Path) -> tuple[Person, Workflow]:
    """In a new tenant, with all that its steps use."""
    person = make_owner()
    desk = make_desk(person, folder / name)
    bench = make_bench(person)
    children = {
        "square": square_steps(),
        "child": child_steps(outside.effects),
        "knowledge": knowledge.steps(desk, bench, outside),
    }
    ids = {child: str(bench.published(made).pk) for child, made in children.items()}
    return person, bench.published(steps(outside.effects, **ids))


def expected_effects(key: str, n: int) -> set[tuple[str, str, int]]:
    """Each effect of a run: (run, step, item)."""
    if is_refused(n):
        return {(key, "announce", n)}
    once = {(key, step, n) for step in ("announce", "tell", "finish")}
    return once | {(key, "item", item) for item in (1, 2, n)}


def is_refused(n: int) -> bool:
    return n % 5 == 4
