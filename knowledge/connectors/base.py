"""What every kind of connector has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from core.error_codes import sentence
from core.errors import EngineError
from workspaces.models import IntegrationType

Schema = Mapping[str, Any]


class ConnectorError(EngineError):
    """A source cannot be read, or one entry of it."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, sentence(code, **facts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the connector remembers of an entry."""

    version: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, page or mail of a source. `inner` is what the kind itself needs to fetch it; `problem` says why it cannot be
    fetched. `state` is remembered until the next run. One that is kept stays as it is, without a look at it."""

    key: str
    filename: str
    inner: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    problem: EngineError | None = None
    is_kept: bool = False


class Source(ABC):
    """One run's view of a source. `config` has the form of the kind, `integration` that of the integration's type;
    `known` has the entries of before, by their keys."""

    def __init__(
        self, config: Mapping[str, Any], integration: Mapping[str, Any], known: Mapping[str, Known]
    ) -> None:
        self.config, self.integration, self.known = config, integration, known

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """All entries, in any order. Raises EngineError when the source cannot be listed to its end: then nothing is taken
        for gone."""

    @abstractmethod
    def version(self, entry: Entry) -> str:
        """Differs whenever the entry has changed; it is asked for without fetching."""

    @abstractmethod
    def fetch(self, entry: Entry, target: Path) -> Mapping[str, Any]:
        """Write the entry to a file; returns further metadata. Raises EngineError."""

    def close(self) -> None:  # noqa: B027 (most kinds have nothing to end)
        """End connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`integration_type` is that of the integration that it needs, if it needs one. `form` is the JSON Schema of its
    configuration."""

    type: str
    title: str
    purpose: str
    form: Schema
    open: Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Known]], Source]
    integration_type: IntegrationType | None = None


def patterns(title: str, description: str) -> Schema:
    return {
        "type": "array",
        "maxItems": 100,
        "items": {"type": "string", "minLength": 1, "maxLength": 500},
        "title": title,
        "description": description,
    }


FILTERS: Mapping[str, Schema] = {
    "include": patterns("Only", "patterns of the paths that are wanted, one a line, as *.pdf; empty for all"),
    "exclude": patterns("Not", "patterns of the paths that are not wanted, one a line, as */drafts/*"),
}


def kind_form(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": properties,
    }


class PathFilter:
    """By patterns as shells write them, in which * also stands for /."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._include, self._exclude = config.get("include") or ["*"], config.get("exclude") or []

    def wants(self, path: str) -> bool:
        return _matches(path, self._include) and not _matches(path, self._exclude)


def _matches(path: str, wanted: list[str]) -> bool:
    return any(fnmatchcase(path.lower(), one.lower()) for one in wanted)
