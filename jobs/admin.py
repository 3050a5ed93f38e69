"""Columns of jobs in the admin."""

from __future__ import annotations

from core.admin import display
from jobs.models import LeasedJob
from jobs.states import JobState

# The theme finds a colour by the cell's text, which is the label.
STATE_COLOURS = {
    str(JobState.QUEUED.label): "default",
    str(JobState.RUNNING.label): "info",
    str(JobState.WAITING.label): "default",
    str(JobState.DONE.label): "success",
    str(JobState.ERROR.label): "danger",
    str(JobState.CANCELLED.label): "warning",
}


class JobDisplay:
    """Columns of every admin page that lists jobs."""

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_badge(self, obj: LeasedJob) -> str:
        return str(JobState(obj.state).label)

    @display(description="Seconds per stage")
    def timings(self, obj: LeasedJob) -> str:
        return ", ".join(f"{stage} {seconds:.2g}" for stage, seconds in obj.timings_json.items()) or "–"
