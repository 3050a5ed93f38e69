"""`python -m engines.vectors.optimizer FOLDER`: build the search graph of a shard that no other process has open."""

from __future__ import annotations

import os
import sys

from core.process_start import prepare_process
from engines.child_processes import die_with_parent


def main(folder: str) -> None:
    prepare_process()
    if sys.platform == "linux":  # end with the owner, because the next one removes the folder
        die_with_parent()
    os.nice(10)
    from qdrant_edge import EdgeShard

    shard = EdgeShard.load(folder)
    shard.optimize()
    shard.flush()
    shard.close()


if __name__ == "__main__":
    main(sys.argv[1])
