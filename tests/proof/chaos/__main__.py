"""`python -m tests.proof.chaos SCALE OUT [DATA]`: run once in an instance of its own, and write the results to OUT."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.proof.chaos.embedder import Endpoint
from tests.proof.chaos.scale import Scale


def main() -> None:
    scale, out, data = Scale(**json.loads(sys.argv[1])), Path(sys.argv[2]), sys.argv[3:]
    endpoint = Endpoint()
    os.environ.update(endpoint.environment)
    import tests.proof.chaos.preload  # noqa: F401 (before everything else)

    # isort: split
    from tests.proof.chaos.rows import rows
    from tests.proof.chaos.run import run_under_faults

    with run_under_faults(scale, Path(data[0]) if data else None, endpoint) as outcome:
        results = rows(outcome, scale)
    broken = [f"{row.what}: {row.measured}" for row in results if not row.holds]
    out.write_text(json.dumps({"rows": [row.as_json() for row in results], "broken": broken}))


if __name__ == "__main__":
    main()
