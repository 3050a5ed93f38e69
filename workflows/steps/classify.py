"""Choosing a label for a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.isolation.scope import tenant_scope
from core.quota_kinds import QuotaKind
from core.quotas import charge
from engines.embedding import TextRole
from engines.embedding.cosines import cosines_of
from knowledge.engine_config import embedder_named
from knowledge.model_choice import model_for_texts
from workflows.definition import Definition, StepDefinition
from workflows.models import StepType
from workflows.steps.base import Jump, Outcome, Step, StepContext, object_schema, step_key, template
from workflows.steps.models import CONFIG, DATA, AskedModel, names_a_model
from workflows.steps.reach import bound_actor

UNSURE_BELOW = 0.5
# How much a label that is a little likelier counts: docs/decisions/0041-classifying-without-a-model.md.
SHARPNESS = 8.0
# A text that is less like each label than this belongs to none, the surer the less it is.
MIN_LIKENESS = 0.3
RULES = """\
Choose the label that fits the text best.

{labels}

{data} Reply with JSON: {{"label": the name of the label, "confidence": from 0 to 1, "reason": "one short sentence"}}."""
Label = Mapping[str, Any]


class Classify(Step):
    type = StepType.CLASSIFY
    purpose = (
        "Choose one of the described labels for a text, by a chat model, or without one by the embedder."
    )
    config_schema = object_schema(
        ("text", "labels"),
        text=template("The text", 100_000),
        labels={
            "type": "array",
            "minItems": 2,
            "maxItems": 50,
            "title": "The labels",
            "items": object_schema(
                ("name",),
                name={"type": "string", "minLength": 1, "maxLength": 100, "title": "The name"},
                description={
                    "type": "string",
                    "maxLength": 1000,
                    "title": "What texts with this label are like",
                },
                examples={
                    "type": "array",
                    "maxItems": 10,
                    "items": {"type": "string", "minLength": 1, "maxLength": 1000},
                    "title": "Texts that have this label",
                },
                step=step_key("The step that follows for this label; without one, the next"),
            ),
        },
        unsure_below={
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "title": f"Below this confidence, no label is sure; {UNSURE_BELOW} if not given",
        },
        unsure=step_key("The step that follows if no label is sure; without one, the next"),
        **CONFIG,
    )
    output_schema = object_schema(
        ("label", "confidence", "is_unsure", "scores", "reason"),
        label={"type": "string", "title": "The name of the likeliest label"},
        confidence={"type": "number", "title": "From 0 to 1"},
        is_unsure={"type": "boolean", "title": "Whether the confidence is too low"},
        scores={
            "type": "object",
            "title": "The confidence of each label; of a chat model's choice, of that label alone",
        },
        reason={"type": "string", "title": "The chat model's reason"},
    )
    cost = "with a model, an answer of the quota and its tokens; without one, embedded tokens"

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        names = [label["name"] for label in step.config["labels"]]
        return ["Two labels have the same name. Rename one of them."] if len({*names}) < len(names) else []

    def run(self, context: StepContext) -> Outcome:
        by_model = names_a_model(context.config)
        value, details = (_by_model if by_model else _by_embedder)(context)
        value["is_unsure"] = value["confidence"] < context.config.get("unsure_below", UNSURE_BELOW)
        return Jump(to=_next(context, value), output=value, details=details)


def _next(context: StepContext, value: Mapping[str, Any]) -> str:
    if value["is_unsure"]:
        return str(context.config.get("unsure", ""))
    chosen = next(label for label in context.config["labels"] if label["name"] == value["label"])
    return str(chosen.get("step", ""))


def _by_model(context: StepContext) -> tuple[dict[str, Any], dict[str, Any]]:
    labels: Sequence[Label] = context.config["labels"]
    listed = "\n".join(f"- {' / '.join(_descriptions(label))}" for label in labels)
    schema = object_schema(
        ("label", "confidence", "reason"),
        label={"type": "string", "enum": [label["name"] for label in labels]},
        confidence={"type": "number", "minimum": 0, "maximum": 1},
        reason={"type": "string"},
    )
    model = AskedModel(context)
    chosen = model.json(RULES.format(labels=listed, data=DATA), context.config["text"], schema)
    return {**chosen, "scores": {chosen["label"]: chosen["confidence"]}}, model.details


def _by_embedder(context: StepContext) -> tuple[dict[str, Any], dict[str, Any]]:
    """By how like the text is to each description or its examples. Raises EmbeddingError, QuotaExceededError."""
    labels, text = context.config["labels"], context.config["text"]
    embedder = embedder_named(model_for_texts([text]))
    described = [(label["name"], one) for label in labels for one in _descriptions(label)]
    texts = [one for _, one in described]
    tokens = sum(embedder.count_tokens([text, *texts]))
    with tenant_scope(context.tenant_id):
        charge(actor=bound_actor(context), amounts={QuotaKind.EMBEDDING: tokens})
    given = embedder.embed(context.tenant_id, [text], TextRole.PASSAGE)[0]
    cosines = embedder.embed(context.tenant_id, texts, TextRole.QUESTION) @ given
    likenesses = {label["name"]: -1.0 for label in labels}
    for (name, _), cosine in zip(described, cosines, strict=True):
        likenesses[name] = max(likenesses[name], cosines_of(embedder).likeness(float(cosine)))
    scores = dict(zip(likenesses, confidences_of([*likenesses.values()]), strict=True))
    best = max(scores, key=lambda name: scores[name])
    value = {"label": best, "confidence": scores[best], "scores": scores, "reason": ""}
    return value, {"model": embedder.model, "tokens": tokens}


def _descriptions(label: Label) -> list[str]:
    return [": ".join(filter(None, (label["name"], label.get("description")))), *label.get("examples", ())]


def confidences_of(likenesses: Sequence[float]) -> list[float]:
    """How sure each label is, from how like the text is to it: its share among all, and nothing if it is like none."""
    values = np.asarray(likenesses)
    weights = np.exp(SHARPNESS * (values - values.max()))
    fits = min(max(float(values.max()), 0.0) / MIN_LIKENESS, 1.0)
    return [round(float(one), 4) for one in fits * weights / weights.sum()]
