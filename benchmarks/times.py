"""Response times."""

from __future__ import annotations

from statistics import median, quantiles


class Times(list[float]):
    """Milliseconds."""

    @property
    def p50(self) -> float:
        return median(self)

    @property
    def p95(self) -> float:
        return quantiles(self, n=20)[18]
