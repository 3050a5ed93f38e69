"""An exception that ends an attempt without being an error of the job."""

from __future__ import annotations

from core.errors import OylError


class LeaseLostError(OylError):
    """Another worker has claimed this job, or it was cancelled: this attempt's writes no longer count."""
