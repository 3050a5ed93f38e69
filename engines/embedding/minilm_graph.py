"""The graph of all-MiniLM-L6-v2: `python -m engines.embedding.minilm_graph FOLDER PRECISION` writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.numpy import load_file

from core.process_start import prepare_process
from engines.embedding import tokens
from engines.local_models import bert_graph

if __name__ == "__main__":
    prepare_process()
    folder, precision = sys.argv[1:]
    weights = load_file(tokens.model_folder() / "model.safetensors")
    bert_graph.save(bert_graph.sentence_model(weights, quantized=precision == "int8"), Path(folder))
