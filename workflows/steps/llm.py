"""Asking a chat model."""

from __future__ import annotations

from workflows.definition import Definition, StepDefinition
from workflows.models import StepType
from workflows.schemas import DECLARED_SCHEMA
from workflows.steps.base import Outcome, Output, Step, StepContext, object_schema, template
from workflows.steps.models import CONFIG, DATA, SAMPLING, AskedModel, names_a_model

NEEDS_MODEL = "Choose a model: give 'integration', or 'model': 'local' for the model file."


class AskModel(Step):
    type = StepType.LLM
    purpose = "Let a chat model write a text, or JSON of a form, as the instruction says."
    config_schema = object_schema(
        text=template("The text that the model works on, apart from the instruction", 100_000),
        schema={
            **DECLARED_SCHEMA,
            "title": "The form of the answer as JSON Schema; without it, the answer is text",
        },
        **CONFIG,
        **SAMPLING,
    )
    output_schema = object_schema(
        ("text", "json"),
        text={"type": "string", "title": "The text; empty if JSON was asked for"},
        json={"title": "The value; null if text was asked for"},
    )
    cost = "an answer of the quota, and the model's tokens; with a schema at most those of two requests"
    uses_instruction = True

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        found = [] if names_a_model(step.config) else [NEEDS_MODEL]
        return found if step.instruction.strip() else [*found, "Write an instruction for the model."]

    def run(self, context: StepContext) -> Outcome:
        model, text = AskedModel(context), context.config.get("text", "")
        system, user = (f"{context.instruction}\n\n{DATA}", text) if text else ("", context.instruction)
        if schema := context.config.get("schema"):
            value = {"text": "", "json": model.json(system, user, schema)}
        else:
            value = {"text": model.text(system, user), "json": None}
        return Output(value, details=model.details)
