"""Sessions of ONNX Runtime over graphs that are built once into the data folder, and then load in half a second."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, SessionOptions

from core.errors import ConfigurationError

Inputs = dict[str, NDArray[np.int32]]
ROOT = Path(__file__).resolve().parents[2]


class SessionPool:
    """A thread pool that computes one input per thread, which uses the processors as well as batches do.

    A call queues only as many inputs as keep the threads busy: concurrent calls take turns, and a query does not wait
    behind the thousands of chunks of a document."""

    def __init__(self, folder: Path, builder: str, *arguments: str, threads: int) -> None:
        """Load the graph in `folder`. If it is not there, the program `python -m builder FOLDER ARGUMENTS` writes it first:
        in a process of its own, because Python does not return the memory that this takes."""
        if threads < 1:
            raise ConfigurationError("EMBEDDING_THREADS must be 1 or more.")
        if not folder.exists():
            command = (sys.executable, "-m", builder, str(folder), *arguments)
            subprocess.run(command, cwd=ROOT, check=True)
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the calling thread computes
        options.log_severity_level = 3  # errors only
        self._session = InferenceSession(
            str(folder / "graph.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=folder.name)
        self._max_queued_per_call = threads + 1

    def run(self, inputs: Iterable[Inputs]) -> list[NDArray[np.float32]]:
        """Return the graph's only output for each input, in their order."""
        slots = Semaphore(self._max_queued_per_call)
        futures: list[Future[list[NDArray[np.float32]]]] = []
        for values in inputs:
            slots.acquire()
            future = self._threads.submit(self._session.run, None, values)
            future.add_done_callback(lambda _: slots.release())
            futures.append(future)
        return [future.result()[0] for future in futures]
