"""What the built-in models have in common: graphs that ONNX Runtime runs, one text at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from core.errors import ConfigurationError
from engines.embedding import BuiltInConfig, Vectors
from engines.local_models.sessions import SessionPool

DIMENSIONS = 384
PRECISIONS = ("int8", "fp32")


class BuiltInModel:
    """`builder` is the module that writes the graph in its `version`, into `folder`."""

    def __init__(self, config: BuiltInConfig, *, builder: str, version: int) -> None:
        if config.precision not in PRECISIONS:
            raise ConfigurationError(f"EMBEDDING_PRECISION must be one of: {', '.join(PRECISIONS)}.")
        self.folder = config.folder / f"{config.model}.{version}"
        self._sessions = SessionPool(self.folder, builder, config.precision, threads=config.threads)

    def vectors(self, texts: Iterable[Sequence[int]]) -> Vectors:
        """The texts are given as the ids of their tokens."""
        vectors = self._sessions.run({"ids": np.array([ids], np.int32)} for ids in texts)
        return np.concatenate(vectors) if vectors else np.empty((0, DIMENSIONS), np.float32)
