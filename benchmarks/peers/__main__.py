"""The pipeline and those of LangChain, LlamaIndex and Haystack: the same files, and an embedder that costs nothing, so
that only the pipelines are measured. Each runs alone, in turns.

`python -m benchmarks.peers` takes some three minutes on two quiet cores.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import sys
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
    rounds: list[list[Figures]] = []
    with instance.running():
        for _ in range(ROUNDS):
            rounds.append([_measure_oyl(folder)])
            for script in SCRIPTS:
                with environment.start(script, str(folder)) as peer:
                    rounds[-1].append(peer.read())
    # Of several runs the fastest counts: other load on the machine only makes a run slower.
    oyl, *peers = (
        {**runs[0], **{name: min(run[name] for run in runs) for name in runs[0] if name.endswith("seconds")}}
        for runs in zip(*rounds, strict=True)
    )
    rows: list[Row] = []
    for figures in (oyl, *peers):
        is_peer = figures is not oyl
        row = {
            "Pipeline": f"{figures['name']} {figures['version']}".strip(),
            "Chunks": f"{figures['chunks']:,}",
            "A chunk": f"{_chunk_ms(figures):.2f} ms",
            "OYL is faster": f"{_chunk_ms(figures) / _chunk_ms(oyl):.1f} ×" if is_peer else "–",
            "Target": "> 1 ×" if is_peer else "–",
            "Processor time of a chunk": f"{_chunk_ms(figures, 'cpu_seconds'):.2f} ms",
            "The same folder again": f"{figures['files'] / figures['again_seconds']:,.0f} files/s",
            "Embedded again": f"{figures['again_embedded']:,} texts",
        }
        rows.append(row)
    save("peers", command="python -m benchmarks.peers", rows=rows)
    if faster := [peer["name"] for peer in peers if _chunk_ms(peer) <= _chunk_ms(oyl)]:
        sys.exit(f"Faster than OYL: {', '.join(faster)}.")


def _measure_oyl(folder: Path) -> Figures:
    """Return the same figures as the peers' scripts."""
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


def _chunk_ms(figures: Figures, name: str = "seconds") -> float:
    return float(figures[name]) / int(figures["chunks"]) * 1000


if __name__ == "__main__":
    main()
