"""`manage.py list_runs --tenant T [--workflow NAME] [--state STATE]`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand
from core.isolation.scope import tenant_scope
from jobs.states import JobState
from workflows.models import WorkflowRun
from workflows.services.finding import find_workflow


class Command(TenantCommand):
    help = "List the newest runs of workflows, with their state, and why one failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("--workflow", metavar="NAME_OR_ID")
        parser.add_argument("--state", choices=JobState.values)
        parser.add_argument("--limit", type=int, default=50, help="how many (50)")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> list[dict[str, Any]]:
        name, state = options["workflow"], options["state"]
        workflow = find_workflow(actor.tenant_id, name) if name else None
        with tenant_scope(actor.tenant_id):
            runs: Any = WorkflowRun.objects.select_related("workflow").order_by("-created_at")
            runs = runs.filter(workflow=workflow) if workflow else runs
            runs = runs.filter(state=state) if state else runs
            return [
                {
                    "run_id": run.pk,
                    "workflow": run.workflow.name,
                    "status": run.state,
                    "step": run.step_key,
                    "error_code": run.error_code,
                    "error_detail": run.error_detail,
                    "created_at": run.created_at,
                }
                for run in runs[: max(0, options["limit"])]
            ]

    def describe(self, result: list[dict[str, Any]]) -> str:
        lines = [
            f"{row['run_id']}  {row['status']:<10}  {row['created_at']:%Y-%m-%d %H:%M}  {row['workflow']}: {row['step']}"
            + (f"  {row['error_detail']} ({row['error_code']})" if row["error_code"] else "")
            for row in result
        ]
        return "\n".join(lines) or "No runs yet. `run_workflow NAME` starts one."
