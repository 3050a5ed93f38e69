"""Reading fields out of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.patterns import first_match
from workflows.definition import Definition, StepDefinition
from workflows.models import StepType
from workflows.steps.base import Outcome, Output, Step, StepContext, object_schema, template
from workflows.steps.field_values import TYPES, read
from workflows.steps.models import CONFIG, DATA, AskedModel, names_a_model

RULES = """\
Read these fields out of the text. A field that the text does not have is null. Do not invent anything.

{fields}

{data} Reply with JSON. Dates are written as 2026-03-01."""
Field = Mapping[str, Any]


class Extract(Step):
    type = StepType.EXTRACT
    purpose = "Read fields out of a text, by a chat model, or without one by a regular expression for each."
    config_schema = object_schema(
        ("text", "fields"),
        text=template("The text", 100_000),
        fields={
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "title": "The fields",
            "items": object_schema(
                ("name",),
                name={
                    "type": "string",
                    "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,39}$",
                    "description": "a name of letters, digits and _, as invoice_number",
                    "title": "The name",
                },
                type={"enum": list(TYPES), "title": "What it is; a text if not given"},
                description={
                    "type": "string",
                    "maxLength": 1000,
                    "title": "What a chat model has to look for",
                },
                pattern={
                    "type": "string",
                    "format": "re2",
                    "minLength": 1,
                    "maxLength": 1000,
                    "title": "A regular expression, of whose first match the first group counts, or all of it",
                },
                mandatory={"type": "boolean", "title": "Whether `missing` names it if it is not there"},
            ),
        },
        **CONFIG,
    )
    output_schema = object_schema(
        ("fields", "missing"),
        fields={"type": "object", "title": "The values by their names; null for what is not there"},
        missing={
            "type": "array",
            "items": {"type": "string"},
            "title": "The mandatory fields that are not there",
        },
    )
    cost = "with a model, an answer of the quota and its tokens; without one, nothing"

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        fields: Sequence[Field] = step.config["fields"]
        names = [field["name"] for field in fields]
        found = ["Two fields have the same name. Rename one of them."] if len({*names}) < len(names) else []
        if names_a_model(step.config):
            return found
        lacking = [field["name"] for field in fields if "pattern" not in field]
        return found + [f"Without a model, the field '{name}' needs a 'pattern'." for name in lacking]

    def run(self, context: StepContext) -> Outcome:
        fields: Sequence[Field] = context.config["fields"]
        if names_a_model(context.config):
            model = AskedModel(context)
            values = _by_model(model, fields, context.config["text"])
            details = model.details
        else:
            text, details = context.config["text"], {}
            values = {field["name"]: first_match(field["pattern"], text) for field in fields}
        read_values = {
            field["name"]: read(values[field["name"]], field.get("type", "text")) for field in fields
        }
        missing = [
            field["name"] for field in fields if field.get("mandatory") and read_values[field["name"]] is None
        ]
        return Output({"fields": read_values, "missing": missing}, details=details)


def _by_model(model: AskedModel, fields: Sequence[Field], text: str) -> dict[str, Any]:
    listed = "\n".join(
        f"- {field['name']} ({field.get('type', 'text')}): {_described(field)}" for field in fields
    )
    properties = {field["name"]: {"type": TYPES[field.get("type", "text")]} for field in fields}
    schema = object_schema(tuple(properties), **properties)
    return dict(model.json(RULES.format(fields=listed, data=DATA), text, schema))


def _described(field: Field) -> str:
    return str(field.get("description") or field["name"].replace("_", " "))
