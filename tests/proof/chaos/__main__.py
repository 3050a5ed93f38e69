"""`python -m tests.proof.chaos SCALE OUT [DATA]`: a run in an instance of its own, and what it has shown."""

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
    import tests.proof.chaos.ready  # noqa: F401 (before all else)

    # isort: split
    from tests.proof.chaos.rows import rows
    from tests.proof.chaos.run import survived

    with survived(scale, Path(data[0]) if data else None, endpoint) as outcome:
        found = rows(outcome, scale)
    broken = [f"{row.what}: {row.measured}" for row in found if not row.holds]
    out.write_text(json.dumps({"rows": [row.shown() for row in found], "broken": broken}))


if __name__ == "__main__":
    main()
