"""`python -m tests.proof.chaos.workflows SCALE OUT`: run once in an instance of its own, and write the results to OUT."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.proof.chaos.embedder import Endpoint

os.environ["OUTBOUND_ALLOW"] = "127.0.0.1"  # where the services are that runs call
os.environ.update(Endpoint().environment)

# isort: split
import tests.proof.chaos.preload  # noqa: F401 (before everything else)

# isort: split
from tests.proof.chaos.scale import Scale
from tests.proof.chaos.workflows.run import run_under_faults


def main() -> None:
    results = run_under_faults(Scale(**json.loads(sys.argv[1])))
    broken = [f"{row.what}: {row.measured}" for row in results if not row.holds]
    Path(sys.argv[2]).write_text(json.dumps({"rows": [row.as_json() for row in results], "broken": broken}))


if __name__ == "__main__":
    main()
