"""How jobs are shown in the admin."""

from __future__ import annotations

from core.admin import display
from jobs.models import LeasedJob
from jobs.states import JobState

STATE_COLOURS = {
    JobState.QUEUED: "default",
    JobState.RUNNING: "info",
    JobState.WAITING: "default",
    JobState.DONE: "success",
    JobState.ERROR: "danger",
    JobState.CANCELLED: "warning",
}
LABEL_COLOURS = {str(state.label): colour for state, colour in STATE_COLOURS.items()}


class JobDisplay:
    """Columns of every admin page that lists jobs."""

    @display(description="State", ordering="state", label=LABEL_COLOURS)
    def state_badge(self, obj: LeasedJob) -> str:
        return str(JobState(obj.state).label)

    @display(description="Seconds per stage")
    def timings(self, obj: LeasedJob) -> str:
        return ", ".join(f"{stage} {seconds:.2g}" for stage, seconds in obj.timings_json.items()) or "–"
