"""The size of a run: the suite's and the long one differ in these numbers only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`lease`, `heartbeat` and `sweep`: seconds, 0 for the product's own. A worker is killed within `lifetime` seconds,
    Redis is stopped for `outage` seconds, and all work must be finished `drain` seconds after the last kill."""

    kills: int
    documents: int
    poison: int
    real: bool
    lease: float
    heartbeat: float
    sweep: float
    lifetime: float
    outage: float
    drain: float
    seed: int

    def dumps(self) -> str:
        return json.dumps(asdict(self))


SMALL = Scale(
    kills=20,
    documents=16,
    poison=1,
    real=False,
    lease=1.5,
    heartbeat=0.5,
    sweep=0.5,
    lifetime=2.0,
    outage=2.0,
    drain=300.0,
    seed=1,
)
LONG = Scale(
    kills=1000,
    documents=200,
    poison=10,
    real=True,
    lease=0,
    heartbeat=0,
    sweep=0,
    lifetime=6.0,
    outage=60.0,
    drain=600.0,
    seed=1,
)
