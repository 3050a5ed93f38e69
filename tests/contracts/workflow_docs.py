"""The tables in docs/workflows.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from core.json_schema import allowed
from workflows.expressions.functions import CONVERSIONS, FUNCTIONS, MACROS

if TYPE_CHECKING:
    from workflows.steps.base import Step

_MARKS = {
    "x-cel": "an expression",
    "x-template": "a template",
    "x-step": "the key of a step",
    "x-refers": "an id",
}


def functions() -> str:
    """The functions of expressions."""
    names = sorted(FUNCTIONS - MACROS - CONVERSIONS, key=str.lower)
    return "\n" + ", ".join(f"`{name}`" for name in names) + ".\n"


def types() -> str:
    """A section for each type of step."""
    from workflows.steps.registry import step_types  # needs Django's models

    return "\n".join(line for step in step_types().values() for line in _section(step)) + "\n"


def _section(step: Step) -> Iterator[str]:
    facts = [f"Costs {step.cost}."]
    facts += ["It touches the outside."] if step.touches_outside else []
    facts += ["It uses the step's instruction, a template."] if step.uses_instruction else []
    facts += ["It needs the step's assistant."] if step.uses_assistant else []
    yield from ("", f"### `{step.type}`", "", step.purpose, " ".join(facts), "")
    yield from ("| Configuration | | What it is |", "| --- | --- | --- |", *_rows(step.config_schema))
    yield from ("", f"Output: {_output(step.output_schema)}")


def _rows(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    required = schema.get("required", ())
    for name, value in schema.get("properties", {}).items():
        where = f"{path}{name}"
        is_required = "required" if name in required else ""
        yield f"| `{where}` | {is_required} | {value.get('title', where)} ({_form(value)}) |"
        if value.get("type") == "array" and "properties" in value.get("items", {}):
            yield from _rows(value["items"], f"{where}[].")
        if isinstance(others := value.get("additionalProperties"), dict):
            yield from _rows(others, f"{where}.NAME.")


def _form(schema: Mapping[str, Any]) -> str:
    named = next((words for mark, words in _MARKS.items() if schema.get(mark)), "")
    if named or not {"type", "enum", "description"} & set(schema):
        return named or "any value"
    return allowed(schema).replace("|", "\\|")


def _output(schema: Mapping[str, Any]) -> str:
    """In words, with the names of an object's values."""
    title = str(schema.get("title", ""))
    names = [_named(name, one) for name, one in schema.get("properties", {}).items()]
    return "; ".join(filter(None, [title, ", ".join(names)])) + "."


def _named(name: str, schema: Mapping[str, Any]) -> str:
    title = schema.get("title", "")
    return f"`{name}` ({title[:1].lower()}{title[1:]})" if title else f"`{name}`"
