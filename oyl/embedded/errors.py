"""The error of the embedded services; its message says what to do."""

from __future__ import annotations


class ServiceError(Exception):
    """A service of this instance cannot run."""
