"""How a teammate chooses among its assistants: the schema of `teammates.orchestration_config`, and its values with their
types and defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.json_schema import valid_part

if TYPE_CHECKING:
    from assistants.models import Teammate


class Strategy(StrEnum):
    ROUND_ROBIN = "round_robin"
    PRIORITY = "priority"
    RULES = "rules"
    SIMILARITY = "similarity"
    LLM = "llm"
    BROADCAST = "broadcast"


class BroadcastAnswer(StrEnum):
    """Of all answers, the best one, or one that is merged of them with all their citations."""

    BEST = "best"
    MERGED = "merged"


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_ASSISTANTS, MAX_RULES = 50, 100


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    form = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**form, "required": [*required]} if required else form


def _list(items: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "maxItems": most, "items": items}


def _text(most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


_ID = {"type": "string", "format": "uuid"}
_ASSISTANT = {**_ID, "x-refers": "assistants.Assistant"}
_CHAT_MODEL = {
    "title": "Integration",
    "type": ["string", "null"],
    "format": "uuid",
    "x-refers": "workspaces.IntegrationConfig",
    "x-where": {"type_enum": "chat_model"},
}
_TIME = {
    "type": "string",
    "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "description": "a time of day from 00:00 to 23:59",
}
_LANGUAGE = {
    "type": "string",
    "pattern": "^[a-z]{2}$",
    "description": "the code of a language in two letters, such as en",
}
_HOURS = _object(
    {
        "from": _TIME,
        "to": _TIME,
        "days": _list({"type": "string", "enum": [*DAYS]}, 7),
        "timezone": {"type": "string", "format": "timezone"},
    },
    "from",
    "to",
)
_RULE = _object(
    {
        "assistant": _ID,
        "keywords": _list(_text(100, 1), 100),
        "regex": {"type": "string", "format": "re2", "maxLength": 1000},
        "languages": _list(_LANGUAGE, 50),
        "tags": _list(_text(255, 1), 50),
        "hours": _HOURS,
    },
    "assistant",
)
_WEIGHT = {"type": "number", "minimum": 0, "maximum": 1000}

SCHEMA: dict[str, Any] = {
    **_object(
        {
            "strategy": {
                "title": "Strategy",
                "x-help": "Who answers: each in turn (round_robin), the first that can (priority), by rules, who is closest"
                " to the question (similarity), whom a model chooses (llm), or all of them (broadcast).",
                "type": "string",
                "enum": [str(one) for one in Strategy],
            },
            "assistants": {
                **_list(_ASSISTANT, MAX_ASSISTANTS),
                "title": "Assistants",
                "x-help": "Without any, they are the teammate's own.",
            },
            "fallback_assistant": {
                **_ASSISTANT,
                "title": "Fallback",
                "x-help": "It answers when nobody else is chosen.",
                "type": ["string", "null"],
            },
            "sticky": {
                "title": "Stay",
                "x-help": "Who has answered goes on in the same conversation.",
                "type": "boolean",
            },
            "weights": {
                "title": "Weights",
                "x-help": "As {assistant's id: weight}; 1 for those that are not named.",
                "type": "object",
                "propertyNames": {**_ID, "description": "an object from assistants' ids to weights"},
                "additionalProperties": _WEIGHT,
            },
            "rules": {
                **_list(_RULE, MAX_RULES),
                "title": "Rules",
                "x-help": "For the strategy rules: the first rule that matches says who answers.",
                "examples": ['[{"assistant": "its id", "keywords": ["invoice"], "languages": ["en"]}]'],
            },
            "model": {
                **_object({"integration": _CHAT_MODEL, "name": {**_text(255), "title": "Model"}}),
                "title": "The model that chooses (llm)",
                "type": ["object", "null"],
            },
            "llm": {
                **_object({"instruction": {**_text(4000), "title": "Instruction", "format": "textarea"}}),
                "title": "What the model is told (llm)",
            },
            "similarity": {
                **_object(
                    {
                        "minimum": {
                            "title": "Least similarity",
                            "x-help": "Below it, the fallback answers.",
                            "type": "number",
                            "minimum": 0,
                            "maximum": 1,
                        }
                    }
                ),
                "title": "Similarity",
            },
            "broadcast": {
                **_object(
                    {
                        "answer": {
                            "title": "Answer",
                            "x-help": "The best one, or all of them merged with their citations.",
                            "type": "string",
                            "enum": [str(one) for one in BroadcastAnswer],
                        }
                    }
                ),
                "title": "Broadcast",
            },
            "cooldown": {
                **_object(
                    {
                        "failures": {
                            "title": "Failures in a row",
                            "type": "integer",
                            "minimum": 1,
                            "maximum": 100,
                            "examples": [3],
                        },
                        "seconds": {
                            "title": "Seconds",
                            "x-help": "So long an assistant that has failed is passed over.",
                            "type": "integer",
                            "minimum": 0,
                            "maximum": 86_400,
                            "examples": [60],
                        },
                    }
                ),
                "title": "Pause after failures",
            },
        },
        "strategy",
    ),
    "title": "Who answers",
    "if": {"properties": {"strategy": {"const": "rules"}}, "required": ["strategy"]},
    "then": {"required": ["rules"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From `start` until before `end`, which may be on the next day; `days` has those on which it starts, 0 for Monday."""

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """It matches if all that it names holds: one of the keywords is in the question, the question is in one of the
    languages, one of the best passages has one of the tags. One that names nothing always matches."""

    assistant: UUID
    keywords: tuple[str, ...] = ()
    regex: str = ""
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    hours: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Orchestration:
    """Without `assistants`, they are the teammate's own. `chat_integration` and `chat_model` are the model that chooses
    (`llm`). An assistant that has failed `cooldown_failures` times in a row is passed over for `cooldown_seconds`. With
    `is_sticky`, the assistant that answered last in a conversation goes on. Below `min_similarity`, the fallback answers."""

    strategy: Strategy = Strategy.SIMILARITY
    assistants: tuple[UUID, ...] = ()
    fallback: UUID | None = None
    chat_integration: UUID | None = None
    chat_model: str = ""
    weights: Mapping[UUID, float] = field(default_factory=dict)
    cooldown_failures: int = 3
    cooldown_seconds: int = 60
    is_sticky: bool = False
    rules: tuple[Rule, ...] = ()
    min_similarity: float = 0.0
    instruction: str = ""
    answer: BroadcastAnswer = BroadcastAnswer.BEST

    @classmethod
    def of(cls, teammate: Teammate) -> Orchestration:
        """Without what the schema does not allow, which `orchestration_findings` names."""
        config, _ = valid_part(SCHEMA, teammate.orchestration_config or {})
        model, cooldown = config.get("model") or {}, config.get("cooldown", {})
        fallback, integration = config.get("fallback_assistant"), model.get("integration")
        own = {
            "strategy": Strategy(config.get("strategy", Strategy.SIMILARITY)),
            "assistants": tuple(dict.fromkeys(map(UUID, config.get("assistants", ())))),
            "fallback": UUID(fallback) if fallback else None,
            "chat_integration": UUID(integration) if integration else None,
            "chat_model": model.get("name"),
            "weights": {UUID(pk): float(weight) for pk, weight in config.get("weights", {}).items()},
            "cooldown_failures": cooldown.get("failures"),
            "cooldown_seconds": cooldown.get("seconds"),
            "is_sticky": config.get("sticky"),
            "rules": tuple(_rule(one) for one in config.get("rules", ())),
            "min_similarity": config.get("similarity", {}).get("minimum"),
            "instruction": config.get("llm", {}).get("instruction"),
            "answer": BroadcastAnswer(config.get("broadcast", {}).get("answer", BroadcastAnswer.BEST)),
        }
        return cls(**{name: value for name, value in own.items() if value is not None})

    @property
    def named(self) -> Iterator[UUID]:
        """All assistants that it names, some of them several times."""
        yield from self.assistants
        yield from [self.fallback] if self.fallback else []
        yield from self.weights
        yield from (rule.assistant for rule in self.rules)


def _rule(config: Mapping[str, Any]) -> Rule:
    lists = {name: tuple(config.get(name, ())) for name in ("keywords", "languages", "tags")}
    hours = config.get("hours")
    return Rule(
        assistant=UUID(config["assistant"]),
        regex=config.get("regex", ""),
        hours=_hours(hours) if hours else None,
        **lists,
    )


def _hours(config: Mapping[str, Any]) -> Hours:
    return Hours(
        start=time.fromisoformat(config["from"]),
        end=time.fromisoformat(config["to"]),
        days=frozenset(DAYS.index(day) for day in config.get("days", DAYS)),
        timezone=config.get("timezone", "UTC"),
    )
