"""all-MiniLM-L6-v2 on ONNX Runtime: converted once into the data folder, then loaded in half a second."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from uuid import UUID

import numpy as np
from onnxruntime import InferenceSession, SessionOptions

from core.errors import ConfigurationError
from engines.embedding import MiniLMConfig, Vectors, tokens

PRECISIONS = ("int8", "fp32")
GRAPH_VERSION = 2
ROOT = Path(__file__).resolve().parents[2]


class MiniLMEmbedder:
    """Its threads embed one text each: they use the processors as well as batches do.

    A call has only so many texts in the threads' queue as keep them busy: concurrent calls take turns, and a
    question does not wait behind the thousands of chunks of a document."""

    dimensions = tokens.DIMENSIONS
    max_tokens = tokens.MAX_TOKENS

    def __init__(self, config: MiniLMConfig) -> None:
        if config.threads < 1:
            raise ConfigurationError("EMBEDDING_THREADS must be 1 or more.")
        if config.precision not in PRECISIONS:
            raise ConfigurationError(f"EMBEDDING_PRECISION must be one of: {', '.join(PRECISIONS)}.")
        self.model = config.model
        self._tokenizer = tokens.load_tokenizer(longest=tokens.MAX_TOKENS)
        self._session = _session(_graph_file(config))
        self._threads = ThreadPoolExecutor(config.threads, thread_name_prefix="embed")
        self._queued_per_call = config.threads + 1

    def embed(self, tenant_id: UUID, texts: Sequence[str]) -> Vectors:
        places = Semaphore(self._queued_per_call)
        running: list[Future[Vectors]] = []
        for encoding in self._tokenizer.encode_batch_fast(list(texts)):
            places.acquire()
            future = self._threads.submit(self._vector, encoding.ids)
            future.add_done_callback(lambda _: places.release())
            running.append(future)
        vectors = [future.result() for future in running]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)

    def _vector(self, ids: list[int]) -> Vectors:
        vector: Vectors = self._session.run(["vector"], {"ids": np.array([ids], np.int32)})[0]
        return vector


def _graph_file(config: MiniLMConfig) -> Path:
    """The converted model, made if it is not there yet."""
    made = config.folder / f"{config.model}.{GRAPH_VERSION}"
    if not made.exists():
        weights = tokens.model_folder() / "model.safetensors"
        program = (sys.executable, "-m", "engines.embedding.onnx_graph")
        subprocess.run([*program, weights, made, config.precision], cwd=ROOT, check=True)
    return made / "graph.onnx"


def _session(path: Path) -> InferenceSession:
    """A session without threads of its own: whoever calls it computes."""
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
