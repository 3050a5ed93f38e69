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
    """A thread pool that embeds one text per thread, which uses the processors as well as batches do.

    A call queues only as many texts as keep the threads busy: concurrent calls take turns, and a query does not wait
    behind the thousands of chunks of a document."""

    dimensions = tokens.DIMENSIONS
    max_tokens = tokens.MAX_TOKENS

    def __init__(self, config: MiniLMConfig) -> None:
        if config.threads < 1:
            raise ConfigurationError("EMBEDDING_THREADS must be 1 or more.")
        if config.precision not in PRECISIONS:
            raise ConfigurationError(f"EMBEDDING_PRECISION must be one of: {', '.join(PRECISIONS)}.")
        self.model = config.model
        self._tokenizer = tokens.load_tokenizer(max_tokens=tokens.MAX_TOKENS)
        folder = config.folder / f"{config.model}.{GRAPH_VERSION}"
        if not folder.exists():
            arguments = (str(tokens.model_folder() / "model.safetensors"), str(folder), config.precision)
            command = (sys.executable, "-m", "engines.embedding.onnx_graph", *arguments)
            subprocess.run(command, cwd=ROOT, check=True)
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the calling thread computes
        options.log_severity_level = 3  # errors only
        self._session = InferenceSession(
            str(folder / "graph.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._threads = ThreadPoolExecutor(config.threads, thread_name_prefix="embed")
        self._max_queued_per_call = config.threads + 1

    def embed(self, tenant_id: UUID, texts: Sequence[str]) -> Vectors:
        slots = Semaphore(self._max_queued_per_call)
        futures: list[Future[list[Vectors]]] = []
        for encoding in self._tokenizer.encode_batch_fast(list(texts)):
            slots.acquire()
            inputs = {"ids": np.array([encoding.ids], np.int32)}
            future = self._threads.submit(self._session.run, ["vector"], inputs)
            future.add_done_callback(lambda _: slots.release())
            futures.append(future)
        vectors = [future.result()[0] for future in futures]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return tokens.count_tokens(texts)

    def token_starts(self, text: str) -> list[int]:
        return tokens.token_starts(text)
