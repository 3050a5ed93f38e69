"""The pipeline against LangChain's, LlamaIndex's and Haystack's: the same files, and an embedder that costs nothing, so
that only the pipelines count. Each runs alone, in turns.

`python -m benchmarks.peers` takes some three minutes on two quiet cores.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import data, trivial
from benchmarks.ingest import count_jobs, ingest, worker
from benchmarks.peers import environment
from benchmarks.reports import Row, save

SCRIPTS = ("langchain_index", "llama_index_pipeline", "haystack_pipeline")
ROUNDS = 2

Figures = dict[str, Any]


def main() -> None:
    folder = data.folder("scale")
    trivial.install()
    with instance.running():
        rounds = [[_ours(folder), *_peers(folder)] for _ in range(ROUNDS)]
    ours, *peers = [_best(runs) for runs in zip(*rounds, strict=True)]
    rows = [_row(figures, ours) for figures in (ours, *peers)]
    save("peers", command="python -m benchmarks.peers", rows=rows)
    if faster := [peer["name"] for peer in peers if _ms(peer) <= _ms(ours)]:
        sys.exit(f"Faster than OYL: {', '.join(faster)}.")


def _peers(folder: Path) -> list[Figures]:
    found = []
    for script in SCRIPTS:
        with environment.start(script, str(folder)) as peer:
            found.append(peer.answer())
    return found


def _ours(folder: Path) -> Figures:
    """What the peers' scripts tell, of OYL."""
    actor = instance.new_tenant()
    with worker(actor, "benchmarks.trivial"):
        first, again = ingest(actor, folder), ingest(actor, folder)
    assert count_jobs(actor, folder) == again.result["unchanged"], "nothing is queued again"
    return {
        "name": "OYL",
        "version": "",
        "files": first.result["added"],
        "chunks": first.chunks,
        "seconds": first.cost.seconds,
        "cpu_seconds": first.cost.cpu_seconds,
        "again_seconds": again.cost.seconds,
        "again_embedded": 0,
    }


def _best(runs: Sequence[Figures]) -> Figures:
    """Of the same work several times: what others do on the machine only makes it slower."""
    fastest = {name: min(run[name] for run in runs) for name in runs[0] if name.endswith("seconds")}
    return {**runs[0], **fastest}


def _ms(figures: Figures, name: str = "seconds") -> float:
    """For each chunk."""
    return float(figures[name]) / int(figures["chunks"]) * 1000


def _row(figures: Figures, ours: Figures) -> Row:
    is_peer = figures is not ours
    return {
        "Pipeline": f"{figures['name']} {figures['version']}".strip(),
        "Chunks": f"{figures['chunks']:,}",
        "A chunk": f"{_ms(figures):.2f} ms",
        "OYL is faster": f"{_ms(figures) / _ms(ours):.1f} ×" if is_peer else "–",
        "Target": "> 1 ×" if is_peer else "–",
        "Processor time of a chunk": f"{_ms(figures, 'cpu_seconds'):.2f} ms",
        "The same folder again": f"{figures['files'] / figures['again_seconds']:,.0f} files/s",
        "Embedded again": f"{figures['again_embedded']:,} texts",
    }


if __name__ == "__main__":
    main()
