"""What a type of step is. The engine evaluates the expressions and templates of a step's configuration before it runs: a
step sees values only, so that no text of a document can become an expression."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from core.actors import Actor
from core.error_codes import ERROR_CODES, sentence
from workflows.definition import JSON, Definition, StepDefinition
from workflows.models import StepType

# The keywords by which a `config_schema` marks strings. `REFERS` has the label of a model: the string is the id of such an
# object in the workflow's workspace.
TEMPLATE, EXPRESSION, STEP_KEY, REFERS = "x-template", "x-cel", "x-step", "x-refers"


class StepError(Exception):
    """A step has failed. `code` is one of `core.error_codes`; `detail` is a sentence for users, the code's own with `facts`
    filled in unless it is given. `retry` says whether another try may help: by default what the code's policy says."""

    def __init__(self, code: str, detail: str = "", *, retry: bool | None = None, **facts: object) -> None:
        self.code, self.detail = code, detail or sentence(code, **facts)
        self.retry = ERROR_CODES[code].retry is not None if retry is None else retry
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Output:
    """The step's output; the next one follows. An iterator becomes a list, which may be too long for the memory. `details`
    are shown on the page of the run: tokens, costs, ids of answers."""

    value: JSON
    details: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Jump:
    """As `Output`, but the step with the key `to` follows, or the one after this, if it is empty."""

    to: str
    output: JSON = None
    details: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is done, with this output."""

    output: JSON


@dataclass(frozen=True, slots=True)
class Wait:
    """Until a time, for a signal, or for `workflows.engine.waking.end_wait`: whichever comes first. No worker is held."""

    until: datetime | None = None
    signal: str = ""


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run of another workflow's published version; `item` is what it is for, if anything."""

    workflow_id: UUID
    input: JSON
    item: JSON = None


@dataclass(frozen=True, slots=True)
class Children:
    """Wait for these runs, of which so many are worked on `at_once`."""

    runs: Sequence[ChildRun]
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class ChildResult:
    output: JSON
    error_code: str = ""
    error_detail: str = ""


@dataclass(frozen=True, slots=True)
class Waited:
    """How what the step waited for has ended: with a `value`, or at its time; or with the results of its `children`, in
    their order, which are read one by one."""

    value: JSON = None
    timed_out: bool = False
    children: Iterable[ChildResult] = ()


Outcome = Output | Jump | Finish | Wait | Children


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """What a step may know. `config` and `instruction` are evaluated. `iteration` counts the visits of this step in the run,
    `tries` those of this iteration. `idempotency_key` is the same whenever the same iteration is tried.

    `waited` is given when the step runs again after it has waited. After a crash, a step may run again with the same
    `step_run_id`: rows that it adds are unique by that.
    """

    tenant_id: UUID
    workspace_id: UUID
    run_id: UUID
    step_run_id: UUID
    actor: Actor
    step: StepDefinition
    config: Mapping[str, JSON]
    instruction: str
    iteration: int
    tries: int
    idempotency_key: str
    deadline: datetime
    waited: Waited | None = None


class Step(ABC):
    """`config_schema` is a JSON Schema, whose strings may be marked by the keywords above; `purpose` is one sentence, `cost`
    says in words what a run of the step costs. A step that `touches_outside` is not simply run again when its worker died:
    what happens then is that which the workflow says about its errors."""

    type: ClassVar[StepType]
    purpose: ClassVar[str]
    config_schema: ClassVar[Mapping[str, Any]]
    output_schema: ClassVar[Mapping[str, Any]]
    touches_outside: ClassVar[bool] = False
    cost: ClassVar[str] = "nothing"
    uses_instruction: ClassVar[bool] = False
    uses_assistant: ClassVar[bool] = False

    def problems(self, step: StepDefinition, definition: Definition) -> list[str]:
        """What is wrong with the configuration beyond its schema, each as a sentence."""
        return []

    @abstractmethod
    def run(self, context: StepContext) -> Outcome:
        """To be called outside of a scope and of transactions; opens a scope for what it reads. Raises StepError, OylError,
        EngineError."""


def object_schema(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


def expression(description: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 2000, EXPRESSION: True, "title": description}


def template(description: str, length: int = 10_000) -> dict[str, Any]:
    return {"type": "string", "maxLength": length, TEMPLATE: True, "title": description}


def step_key(description: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": 40, STEP_KEY: True, "title": description}


def refers_to(model: str, description: str) -> dict[str, Any]:
    return {"type": "string", "format": "uuid", REFERS: model, "title": description}
