"""`manage.py run_workflow NAME --tenant T [--input FILE] [--wait]`"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.actors import Actor
from core.commands import TenantCommand, new_name
from core.errors import InvalidError
from core.isolation.scope import tenant_scope
from jobs.states import UNFINISHED, JobState
from workflows.models import StartedBy, StepRun, WorkflowRun
from workflows.services.finding import find_workflow
from workflows.services.running import start_run, wait_for_run

LOOK_SECONDS = 3600.0


class Command(TenantCommand):
    help = "Start a run of a published workflow."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("name", type=new_name, metavar="NAME_OR_ID")
        parser.add_argument("--input", type=Path, metavar="FILE", help="a JSON object; {} without it")
        parser.add_argument("--wait", action="store_true", help="until the run has ended")

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        given = _json_of(options["input"]) if options["input"] else {}
        workflow = find_workflow(actor.tenant_id, options["name"])
        run = start_run(workflow, input=given, actor=actor, started_by=StartedBy.COMMAND)
        while options["wait"] and run.state in UNFINISHED:
            run = wait_for_run(run, LOOK_SECONDS)
        with tenant_scope(actor.tenant_id):
            return _described(run, list(StepRun.objects.filter(run=run.pk).order_by("number")))

    def problem(self, result: dict[str, Any]) -> str:
        failed = result["status"] in (JobState.ERROR, JobState.CANCELLED)
        return f"The run has ended: {result['status']}. {result['error_detail']}".strip() if failed else ""


def _json_of(path: Path) -> Any:
    """Raises InvalidError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidError(f"'{path}' cannot be read as JSON: {error}") from error


def _described(run: WorkflowRun, steps: list[StepRun]) -> dict[str, Any]:
    return {
        "run_id": run.pk,
        "status": run.state,
        "output": run.output_json,
        "error_detail": run.error_detail,
        "steps": [
            {
                "key": step.key,
                "type": step.type_enum,
                "status": step.state,
                "seconds": step.seconds,
                "error_code": step.error_code,
            }
            for step in steps
        ],
    }
