"""sentence-transformers' `encode` on the CPU: runs for each line of stdin, and prints the seconds it took."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

BATCH_SIZE = 32
MAX_TOKENS = 256


def main(model_folder: str, texts_file: str, vectors_file: str, threads: str) -> None:
    torch.set_num_threads(int(threads))
    model = SentenceTransformer(model_folder, device="cpu")
    model.max_seq_length = MAX_TOKENS
    texts = json.loads(Path(texts_file).read_text())
    vectors = model.encode(texts, batch_size=BATCH_SIZE, normalize_embeddings=True)
    np.save(vectors_file, vectors)
    write({"version": version("sentence-transformers")})
    for _ in sys.stdin:
        started = time.perf_counter()
        model.encode(texts, batch_size=BATCH_SIZE, normalize_embeddings=True)
        write({"seconds": time.perf_counter() - started})


def write(figures: dict[str, object]) -> None:
    print(json.dumps(figures), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
