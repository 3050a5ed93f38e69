"""How an assistant answers: the schema of `assistants.settings_json`, and its values with their types and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.json_schema import valid_part
from engines.chat import Sampling

if TYPE_CHECKING:
    from assistants.models import Assistant

TONES = ("neutral", "friendly", "formal")
LENGTHS = ("short", "medium", "long")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


def _object(title: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "type": "object", "properties": properties, "additionalProperties": False}


def _number(kind: str, low: float, high: float) -> dict[str, Any]:
    """null leaves it to the model, or to the default."""
    return {"type": [kind, "null"], "minimum": low, "maximum": high}


def _text(most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most}


def _texts(most: int, each: int) -> dict[str, Any]:
    return {"type": "array", "maxItems": most, "items": _text(each, 1)}


def _shown(schema: dict[str, Any], title: str, help: str = "", example: Any = None) -> dict[str, Any]:
    """With what the form in the admin says."""
    return {"title": title, "x-help": help, **schema, **({} if example is None else {"examples": [example]})}


_CHAT_MODEL = {
    "type": ["string", "null"],
    "format": "uuid",
    "x-refers": "workspaces.IntegrationConfig",
    "x-where": {"type_enum": "chat_model"},
}
_MODEL_NAME = _shown(
    _text(255), "Model", "As its endpoint names it; empty for the integration's own.", "gpt-4.1-mini"
)

SCHEMA: dict[str, Any] = {
    **_object(
        "What it says",
        {
            "model": _object(
                "Model",
                {
                    "integration": _shown(
                        _CHAT_MODEL,
                        "Integration",
                        "Without one, OYL's own model answers, or passages are quoted.",
                    ),
                    "name": _MODEL_NAME,
                    "temperature": _shown(
                        _number("number", 0, 2),
                        "Temperature",
                        "From 0, always the likeliest words, to 2.",
                        0.2,
                    ),
                    "max_tokens": _shown(
                        _number("integer", 1, 1_000_000),
                        "Tokens of an answer",
                        "An answer is cut off there.",
                        800,
                    ),
                    "top_p": _shown(
                        _number("number", 0, 1), "Top p", "The share of likely words to choose from."
                    ),
                    "seed": _shown(
                        _number("integer", 0, 2**31 - 1), "Seed", "For answers that can be repeated."
                    ),
                    "stop": _shown(_texts(4, 100), "Stop", "Texts at which an answer ends, one a line."),
                    "reasoning_effort": _shown(
                        {"enum": [*EFFORTS, None]},
                        "Reasoning effort",
                        "For models that reason before they answer.",
                    ),
                    "prompt_tokens": _shown(
                        _number("integer", 256, 10_000_000),
                        "Tokens of a prompt",
                        "Older turns and passages that do not fit in are left out.",
                    ),
                    "fallback": _object(
                        "Fallback",
                        {
                            "integration": _shown(
                                _CHAT_MODEL, "Fallback integration", "It answers when the first one fails."
                            ),
                            "name": {**_MODEL_NAME, "title": "Fallback model"},
                        },
                    ),
                },
            ),
            "retrieval": _object(
                "What it reads",
                {
                    "passages": _shown(
                        {"type": "integer", "minimum": 1, "maximum": 50}, "Passages", "So many at most.", 6
                    ),
                    "per_document": _shown(
                        {"type": "integer", "minimum": 1, "maximum": 50},
                        "Passages of one document",
                        example=3,
                    ),
                    "rerank": _shown(
                        {"type": "boolean"},
                        "Rerank",
                        "A second model puts the best passages first, unless you say no.",
                    ),
                    "min_relevance": _shown(
                        _number("number", 0, 1), "Least relevance", "Passages below are not read.", 0.3
                    ),
                },
            ),
            "tools": _object(
                "Tools",
                {
                    "names": _shown(
                        _texts(20, 64), "Tools", "One a line; without any, it uses none.", "search"
                    ),
                    "rounds": _shown(
                        {"type": "integer", "minimum": 1, "maximum": 10},
                        "Rounds",
                        "Calls in a row, at most.",
                        3,
                    ),
                },
            ),
            "greeting": _shown(_text(2000), "Greeting", "The first words of a new conversation."),
            "starter_questions": _shown(
                _texts(10, 300), "Starter questions", "One a line.", "How do I open tray 2?"
            ),
            "refusal": _shown(_text(2000), "Refusal", "What it says when the documents have no answer."),
            "tone": _shown({"enum": [*TONES, ""]}, "Tone"),
            "length": _shown({"enum": [*LENGTHS, ""]}, "Length"),
        },
    ),
    "examples": [
        {
            "model": {"temperature": 0.2, "max_tokens": 800},
            "retrieval": {"passages": 6, "rerank": True},
            "starter_questions": ["How do I open tray 2?"],
            "tone": "friendly",
        }
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSettings:
    """`chat_integration` is the id of an integration config of the type `chat_model`; without one and without `chat_model`,
    the installation's own model answers, or passages are quoted. `prompt_tokens` limits the whole prompt; None leaves it to
    what the model reads. `passages` is how many it is given, at most `per_document` of each document. `min_relevance`
    is None for the threshold of searches. An empty `refusal`, `tone` or `length` is OYL's own."""

    chat_integration: UUID | None = None
    chat_model: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    fallback_integration: UUID | None = None
    fallback_model: str = ""
    prompt_tokens: int | None = None
    passages: int = 6
    per_document: int = 3
    rerank: bool = True
    min_relevance: float | None = None
    tools: tuple[str, ...] = ()
    tool_rounds: int = 3
    greeting: str = ""
    starter_questions: tuple[str, ...] = ()
    refusal: str = ""
    tone: str = ""
    length: str = ""

    @classmethod
    def of(cls, assistant: Assistant) -> AssistantSettings:
        """Without what the schema does not allow, which `setting_findings` names."""
        stored, _ = valid_part(SCHEMA, assistant.settings_json)
        model, tools = stored.get("model", {}), stored.get("tools", {})
        fallback = model.get("fallback", {})
        own = {
            "chat_integration": _id(model),
            "chat_model": model.get("name"),
            "sampling": _sampling(model),
            "fallback_integration": _id(fallback),
            "fallback_model": fallback.get("name"),
            "prompt_tokens": model.get("prompt_tokens"),
            **stored.get("retrieval", {}),
            "tools": tuple(tools.get("names", ())),
            "tool_rounds": tools.get("rounds"),
            "starter_questions": tuple(stored.get("starter_questions", ())),
            **{name: stored.get(name) for name in ("greeting", "refusal", "tone", "length")},
        }
        return cls(**{name: value for name, value in own.items() if value is not None})


def setting_findings(settings: Any) -> list[str]:
    """A sentence for each part of stored settings that is ignored."""
    return [f"Ignored: {problem}" for problem in valid_part(SCHEMA, settings)[1]]


def integration_ids(settings: Any) -> set[UUID]:
    """Those that valid settings name."""
    model = valid_part(SCHEMA, settings)[0].get("model", {})
    return {pk for part in (model, model.get("fallback", {})) if (pk := _id(part))}


def _id(part: Mapping[str, Any]) -> UUID | None:
    return UUID(part["integration"]) if part.get("integration") else None


def _sampling(model: Mapping[str, Any]) -> Sampling:
    names = [one.name for one in fields(Sampling)]
    given = {name: model[name] for name in names if model.get(name) is not None}
    return Sampling(**{**given, "stop": tuple(given.get("stop", ()))})
