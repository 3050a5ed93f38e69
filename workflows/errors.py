"""What services of workflows refuse."""

from __future__ import annotations

from core.errors import ConflictError, InvalidError


class WorkflowInvalidError(InvalidError):
    """The workflow cannot be published as it is."""


class InputInvalidError(InvalidError):
    """The input is not as the workflow declares it."""


class NotPublishedError(ConflictError):
    """The workflow is not published. Publish it first."""


class TooManyRunsError(ConflictError):
    """Too many runs are under way."""


class CircleError(ConflictError):
    """A run has added this document, and another document of a run has started that one, and so on: they go in a circle.
    Give the trigger a filter, so that it does not start runs for the documents that its runs add."""


class RunStateError(ConflictError):
    """The run is not in a state in which this can be done."""
