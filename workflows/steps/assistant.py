"""Asking an assistant."""

from __future__ import annotations

from workflows.models import StepType
from workflows.steps.asking import ANSWER_SCHEMA, CONFIG, answered
from workflows.steps.base import Outcome, Step, StepContext, object_schema


class AskAssistant(Step):
    type = StepType.ASSISTANT
    purpose = "Ask an assistant of the workspace. The instruction is added to the assistant's own."
    config_schema = object_schema(("question",), **CONFIG)
    output_schema = ANSWER_SCHEMA
    cost = "an answer of the quota, and the tokens of the assistant's model"
    uses_instruction = True
    uses_assistant = True

    def run(self, context: StepContext) -> Outcome:
        return answered(context, assistant=context.step.assistant_id)
