"""Configurations of steps that must not be saved, made from the schemas of all types: each with what its error must name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from workflows.models import StepType
from workflows.steps.registry import step_types

NOWHERE = "00000000-0000-7000-8000-000000000000"
LABELS = [{"name": "a", "description": "x"}, {"name": "b"}]
# A valid one of each type. Ids of other objects stand as the label of their model, and are filled in by the test.
VALID: Mapping[StepType, dict[str, Any]] = {
    StepType.DATA_QUERY: {"sql": "SELECT $n", "values": {"n": "1"}, "limit": 10},
    StepType.ASSISTANT: {"question": "What?", "where": "{}", "documents": "input.ids"},
    StepType.TEAMMATE: {"teammate": "assistants.Teammate", "question": "What?"},
    StepType.RETRIEVE: {
        "query": "x",
        "references": ["knowledge.Reference"],
        "documents": "[]",
        "where": "{}",
        "tags_any": ["a"],
        "tags_all": ["a"],
        "tags_none": ["a"],
        "mode": "hybrid",
        "limit": 5,
        "min_score": 0.5,
        "rerank": True,
    },
    StepType.LLM: {
        "text": "x",
        "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
        "integration": "workspaces.IntegrationConfig",
        "model": "m",
        "temperature": 1,
        "max_tokens": 10,
    },
    StepType.CLASSIFY: {"text": "x", "labels": LABELS, "unsure_below": 0.5, "unsure": "only"},
    StepType.EXTRACT: {"text": "x", "fields": [{"name": "a", "type": "number", "pattern": "b"}]},
    StepType.CONDITION: {"if": "true", "then": "only", "else": "only"},
    StepType.SWITCH: {"value": "1", "cases": [{"equals": 1, "step": "only"}], "default": "only"},
    StepType.TRANSFORM: {"values": {"a": "1"}},
    StepType.ITERATE: {"items": "[]", "workflow": "workflows.Workflow"},
    StepType.PARALLEL: {"branches": {"a": {"workflow": "workflows.Workflow", "input": {"b": "1"}}}},
    StepType.SUB_WORKFLOW: {"workflow": "workflows.Workflow", "input": {"b": "1"}},
    StepType.HTTP_REQUEST: {
        "method": "POST",
        "url": "https://example.org/{{ input.x }}",
        "headers": {"X-A": "b"},
        "json": "{}",
        "content_type": "application/json",
        "expected_status": [200],
        "max_bytes": 10,
    },
    StepType.TAG: {"documents": "[]", "tags": ["a"], "remove": False},
    StepType.INGEST: {
        "reference": "knowledge.Reference",
        "external_id": "a",
        "filename": "a",
        "text": "x",
        "metadata": {"a": "1"},
        "tags": ["a"],
    },
    StepType.NOTIFY: {"to": ["a@example.org"], "subject": "x"},
    StepType.APPROVAL: {
        "question": "x",
        "show": "1",
        "role": "editor",
        "people": [NOWHERE],
        "remind_after_seconds": 1,
        "expires_after_seconds": 2,
        "when_expired": "fail",
        "approved": "only",
        "rejected": "only",
    },
    StepType.WAIT: {"seconds": 1, "until": "now", "signal": "x"},
    StepType.END: {"output": "1"},
}
EXPRESSIONS = {
    "": "0 characters|must be",
    "1 +": "ends too early",
    "__import__('os').system('id')": "There is no function",
    "input.x; drop table users": "not expected here",
    "{{ input.x }}": "not expected|ends too early|must be",
    "steps.nope.output": "There is no step 'nope'",
    "steps": "Name the output of one step",
    "env.SECRET_KEY": "There is no name 'env'",
    "open('/etc/passwd')": "There is no function 'open'",
    "[1].map(a, [1].map(b, [1].map(c, c)))": "nested at most 2 deep",
    "'" + "x" * 2_000 + "'": "characters",
    "(" * 300 + "1" + ")" * 300: "nested too deeply",
}
TEMPLATES = {
    "{{": "is not closed",
    "{{ }}": "ends too early",
    "{{ input.x": "is not closed",
    "{{ steps.nope.output }}": "There is no step 'nope'",
    "{{ config.items() }}": "There is no",
    "{{ ''.__class__.__mro__ + nope }}": "There is no name 'nope'",
    "{{ input.x | safe }}": "not expected here",
    "{{ 1 }}" * 101: "at most 100 expressions|must be",
}
URLS = {
    "https://{{ input.host }}/": "no expressions",
    "{{ input.url }}": "no expressions",
    "https://example.org{{ input.x }}": "no expressions",
    "ftp://{{ input.x }}/": "no expressions",
}
KEYS = {"nope": "There is no step 'nope'", "": "must be"}


class Hostile(NamedTuple):
    """`named` are texts of which one must be in the error, as must the `path`, if any."""

    config: Any
    path: str
    named: str


def hostile_configs(kind: StepType, valid: Mapping[str, Any]) -> Iterator[Hostile]:
    schema = step_types()[kind].config_schema
    values: list[Any] = [None, [], "x", 7, True, {"x" * 1000: 1}]
    for value in values:
        yield Hostile(value, "", "must be|Unknown key|lacks|This field cannot be")
    for name in schema.get("required", ()):
        yield Hostile({key: one for key, one in valid.items() if key != name}, name, "lacks")
    some = next(iter(valid))
    yield Hostile({**valid, f"{some}x": 1}, some, f"Do you mean '{some}'?")
    yield from _below(schema, valid, (), valid)


def _below(schema: Mapping[str, Any], value: Any, path: tuple[Any, ...], whole: Any) -> Iterator[Hostile]:
    """The whole configuration with something hostile at each place of it."""
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    if path:
        hostile = [*_texts(schema, len(name) % 3), *_other_values(schema, value)]
        yield from (Hostile(_put(whole, path, bad), name, named) for bad, named in hostile)
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        for key, one in value.items():
            yield from _below(known.get(key, others), one, (*path, key), whole)
    elif isinstance(value, list):
        yield from _below(schema.get("items", {}), value[0], (*path, 0), whole)


def _texts(schema: Mapping[str, Any], first: int) -> Iterator[tuple[Any, str]]:
    """Of expressions and templates each third, from the first on."""
    if "x-cel" in schema:
        yield from list(EXPRESSIONS.items())[first::3]
    elif schema.get("x-template"):
        yield from list(TEMPLATES.items())[first::3]
        yield from URLS.items() if schema["x-template"] == "url" else ()
    elif "x-step" in schema:
        yield "", "must be"
    elif "x-refers" in schema:
        yield from {NOWHERE: "There is no", "x": "must be"}.items()
    elif "pattern" in schema or schema.get("format") == "re2":
        yield "(", "must be"


def _other_values(schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Any, str]]:
    types = schema.get("type", ())
    values: list[Any] = [{"$ref": "file:///etc/passwd"}, [[]], -1e300]
    for bad in values:
        if types and not _is_of(bad, types if isinstance(types, list) else [types]):
            yield bad, "must be|Unknown key|lacks"
    if "enum" in schema:
        yield "nope", "must be one of"
    if "maximum" in schema:
        yield schema["maximum"] + 1, "must be"
    if isinstance(value, list) and "maxItems" in schema:
        yield value * (schema["maxItems"] + 1), "must be"


def _is_of(value: Any, types: list[str]) -> bool:
    return {dict: "object", list: "array", float: "number"}[type(value)] in types


def _put(whole: Any, path: tuple[Any, ...], bad: Any) -> Any:
    changed = deepcopy(whole)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = bad
    return changed
