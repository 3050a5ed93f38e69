"""What goes wrong around the embedded services, in sentences that say what to do."""

from __future__ import annotations


class ServiceError(Exception):
    """A service of this instance cannot run."""
