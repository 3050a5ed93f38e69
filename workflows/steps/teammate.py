"""Asking a teammate."""

from __future__ import annotations

from uuid import UUID

from workflows.models import StepType
from workflows.steps.asking import ANSWER_SCHEMA, CONFIG, answered
from workflows.steps.base import Outcome, Step, StepContext, object_schema, refers_to


class AskTeammate(Step):
    type = StepType.TEAMMATE
    purpose = "Ask a teammate, which chooses who of its assistants answers."
    config_schema = object_schema(
        ("teammate", "question"), teammate=refers_to("assistants.Teammate", "The teammate"), **CONFIG
    )
    output_schema = ANSWER_SCHEMA
    cost = "an answer of the quota, and the tokens of the models"
    uses_instruction = True

    def run(self, context: StepContext) -> Outcome:
        return answered(context, teammate=UUID(context.config["teammate"]))
