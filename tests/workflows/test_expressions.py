"""Expressions and templates: what they can do, what is refused when they are saved, and that their bounds end them."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from workflows.expressions import (
    ExpressionError,
    Known,
    check,
    check_template,
    evaluate,
    problems_in,
    render,
    resolved,
)

NAMES: dict[str, Any] = {
    "input": {"name": "Ada", "items": [{"price": 3}, {"price": 4}], "text": "{{ 1 + 1 }} steps.a"},
    "steps": {"a": {"output": {"total": 7}}},
    "run": {"id": "r1"},
    "now": datetime(2026, 3, 1, 12, tzinfo=UTC),
}
KNOWN = Known(steps=frozenset({"a", "classify"}), inputs=frozenset({"name", "items", "text"}))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("input.name.lowerAscii() + '!'", "ada!"),
        ("input.items.filter(one, one.price > 3).map(one, one.price)", [4]),
        ("steps.a.output.total * 2", 14),
        ("has(steps.b.output) ? 1 : 0", 0),
        ("now - duration('24h')", "2026-02-28T12:00:00Z"),
        ("timestamp('2026-01-01T00:00:00Z') < now", True),
        ("{'a': [1, 2.5, null, true]}", {"a": [1, 2.5, None, True]}),
        ("'x,y'.split(',')", ["x", "y"]),
        ("duration('90s')", "90s"),
        ("b'ab'", "YWI="),
    ],
)
def test_values_are_json(source: str, value: object) -> None:
    assert check(source) == []
    assert evaluate(source, NAMES) == value


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("input.name +", "line 1, column 13: The expression ends too early."),
        ("1 +\n  * 2", "line 2, column 3: '*' is not expected here."),
        ("(1", "line 1, column 3: A ')' is missing here."),
        ("step.a.output", "line 1, column 1: There is no name 'step'. Do you mean 'steps'?"),
        ("steps.clasify.output", "There is no step 'clasify'. Do you mean 'classify'?"),
        ("steps['a'].output", "Name the output of one step, as in 'steps.KEY.output'."),
        ("[steps].map(s, s)", "Name the output of one step, as in 'steps.KEY.output'."),
        ("input.nam", "There is no input 'nam'. Do you mean 'name'?"),
        ("input.name.lower()", "line 1, column 12: There is no function 'lower'. Do you mean 'lowerAscii'?"),
        ("run.nam", "There is no field of the run 'nam'."),
        ("x + [1].map(x, x)[0]", "line 1, column 1: There is no name 'x'."),
        ("[1].map(input, 1)", "'input' has a meaning already."),
        ("[1].map(x)", "'map' takes a name and an expression"),
        (
            "[1].map(a, [1].map(b, [1].map(c, c)))",
            "line 1, column 27: Comprehensions such as 'map' are nested",
        ),
        ("'" + "a" * 2000 + "'", "An expression has at most 2,000 characters; this one has 2,002."),
        ("[" * 900 + "]" * 900, "This is nested too deeply."),
    ],
)
def test_problems_are_named_with_their_place(source: str, problem: str) -> None:
    assert problem in " ".join(check(source, KNOWN))


def test_values_are_never_read_as_expressions() -> None:
    assert render("{{ input.text }}/{{ input.name }}", NAMES) == "{{ 1 + 1 }} steps.a/Ada"
    assert render("{{ '}}' }} {{ {'a': {'b': 1}} }}{{ null }} }}", NAMES) == '}} {"a":{"b":1}} }}'


def test_problems_of_templates_have_places_in_the_template() -> None:
    assert check_template("Dear {{ input.name }},\n {{ steps.b.output }}", KNOWN) == [
        "line 2, column 5: There is no step 'b'. There are: a, classify."
    ]
    assert "'{{' is not closed" in check_template("a {{ b")[0]
    assert "at most 100 expressions" in check_template("{{ 1 }}" * 101)[0]
    assert check_template("no braces } { }}") == []


def test_configs_are_checked_where_their_schema_marks_them() -> None:
    schema = {
        "properties": {
            "when": {"type": "string", "x-cel": True},
            "texts": {"type": "array", "items": {"type": "string", "x-template": True}},
            "headers": {"additionalProperties": {"type": "string", "x-template": True}},
        }
    }
    config = {"when": "1 +", "texts": ["a", "{{ b"], "headers": {"X-A": "{{ c }}"}, "other": "{{"}
    assert [problem.partition(":")[0] for problem in problems_in(schema, config, KNOWN, "config_json")] == [
        "'config_json.when'",
        "'config_json.texts.1'",
        "'config_json.headers.X-A'",
    ]


CONFIG = {
    "properties": {
        "when": {"type": "string", "x-cel": True},
        "texts": {"items": {"type": "string", "x-template": True}},
        "url": {"type": "string", "x-template": "url"},
    }
}


def test_a_configuration_is_resolved_at_once() -> None:
    config = {
        "when": "input.items",
        "texts": ["{{ 1 }} {{ input.name }}", "{{"[:1]],
        "url": "/x",
        "other": "{{ 1 }}",
    }
    assert resolved(CONFIG, config, NAMES) == {
        **config,
        "when": NAMES["input"]["items"],
        "texts": ["1 Ada", "{"],
    }


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("a b/c?d=1&e#f", "https://example.org/v1/a%20b%2Fc%3Fd%3D1%26e%23f?q=a%20b%2Fc%3Fd%3D1%26e%23f"),
        ("@evil.org\\", "https://example.org/v1/%40evil.org%5C?q=%40evil.org%5C"),
        ("x\r\nHost: evil", "https://example.org/v1/x%0D%0AHost%3A%20evil?q=x%0D%0AHost%3A%20evil"),
        ("..", None),
        ("%2e%2e", "https://example.org/v1/%252e%252e?q=%252e%252e"),
    ],
)
def test_data_stays_in_its_part_of_an_address(value: str, address: str | None) -> None:
    config = {"url": "https://example.org/v1/{{ input.v }}?q={{ input.v }}"}
    assert problems_in(CONFIG, config, Known()) == []
    if address is None:
        with pytest.raises(ExpressionError, match="in the path of an address"):
            resolved(CONFIG, config, {"input": {"v": value}})
    else:
        assert resolved(CONFIG, config, {"input": {"v": value}}) == {"url": address}


@pytest.mark.parametrize(
    "url", ["{{ input.host }}/a", "https://{{ input.h }}/", "https://a{{ 1 }}", "https://a:{{ 1 }}/"]
)
def test_a_host_is_never_data(url: str) -> None:
    assert "in which there are no expressions" in problems_in(CONFIG, {"url": url}, Known())[0]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("input.many.map(x, input.many.map(y, x * y))", "expression_too_slow"),
        ("input.many.all(x, input.many.all(y, x * y >= 0))", "expression_too_slow"),
        (" + ".join(["input.long"] * 100), "expression_too_slow expression_memory expression_too_large"),
        ("[input.long, input.long]", "expression_too_large"),
        ("input.missing", "expression_failed"),
        ("1 / 0", "expression_failed"),
        ("'\\u0000'", "expression_failed"),
        ("double('NaN')", "expression_failed"),
    ],
)
def test_bounds_end_an_expression_and_spare_the_next(source: str, code: str) -> None:
    names = {"input": {"many": list(range(10_000)), "long": "x" * 900_000}}
    begin = time.monotonic()
    with pytest.raises(ExpressionError) as error:
        evaluate(source, names)
    assert error.value.code in code
    assert time.monotonic() - begin < 10
    assert evaluate("1 + 1", {}) == 2


def test_a_process_that_was_killed_is_replaced() -> None:
    from workflows.expressions import process

    evaluate("1", {})
    with process._pool.process() as held:
        os.kill(held._process.pid, signal.SIGKILL)
    assert evaluate("input.name", NAMES) == "Ada"


def test_a_fork_leaves_the_process_to_its_parent() -> None:
    assert evaluate("1", {}) == 1
    if (pid := os.fork()) == 0:
        os._exit(0 if evaluate("2", {}) == 2 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert evaluate("3", {}) == 3


def test_fork_has_processes_of_its_own():
    """Its answers are not its parent's."""
    assert evaluate("1 + 0", {}) == 1
    if (pid := os.fork()) == 0:
        for _ in range(100):
            evaluate("2 + 0", {})
        os._exit(0)
    assert {evaluate("1 + 0", {}) for _ in range(100)} == {1}
    os.waitpid(pid, 0)
