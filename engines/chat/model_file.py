"""A chat model in a file of the operator's: what its process and those who ask it share."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path

from core.outbound import AllowList
from engines.chat import ChatEndpointConfig

# Its name in the settings of assistants.
LOCAL = "local"
MAGIC = b"GGUF"
# On the machine's own processors a long prompt is read slowly, and an answer waits while the prompts of others are read.
FIRST_SECONDS, BETWEEN_SECONDS, TOTAL_SECONDS = 300.0, 120.0, 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningModel:
    """Where the process listens, and the key that it made when it started. `context_tokens` is that of each request."""

    url: str
    key: str = field(repr=False)
    context_tokens: int

    def write(self, path: Path) -> None:
        """Into a folder that only this user can open."""
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> RunningModel | None:
        """None if no process has started."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None

    def config(self) -> ChatEndpointConfig:
        return ChatEndpointConfig(
            url=f"{self.url}/v1",
            model=LOCAL,
            api_key=self.key,
            allow=AllowList.parse(["127.0.0.1"]),
            context_tokens=self.context_tokens,
            first_seconds=FIRST_SECONDS,
            between_seconds=BETWEEN_SECONDS,
            total_seconds=TOTAL_SECONDS,
        )


def problem(file: Path) -> str:
    """Why this file cannot be used as a chat model, and what to do; "" if it can."""
    if find_spec("xllamacpp") is None:
        return (
            "The package xllamacpp is not installed. Run `make install`, or install requirements-model.txt."
        )
    try:
        with file.open("rb") as opened:
            is_gguf = opened.read(len(MAGIC)) == MAGIC
    except OSError as error:
        return f"OYL_CHAT_MODEL_FILE cannot be read: {file}: {error.strerror}."
    return "" if is_gguf else f"OYL_CHAT_MODEL_FILE must be a model in the format GGUF, and {file} is not."
