"""`manage.py cancel_run RUN_ID --tenant T`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.commands import TenantCommand
from core.errors import NotFoundError
from core.isolation.scope import tenant_scope
from workflows.models import WorkflowRun
from workflows.services.running import cancel_run


class Command(TenantCommand):
    help = "End a run of a workflow, with all that its steps have started."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)  # type: ignore[arg-type]
        parser.add_argument("run_id", type=UUID)

    def run_for(self, actor: Actor, *args: Any, **options: Any) -> dict[str, Any]:
        with tenant_scope(actor.tenant_id):
            run = WorkflowRun.objects.select_related("workflow").filter(pk=options["run_id"]).first()
        if run is None:
            raise NotFoundError(f"There is no run {options['run_id']}. `list_runs` lists them.")
        cancel_run(run, actor=actor)
        with tenant_scope(actor.tenant_id):
            run.refresh_from_db()
        return {"run_id": run.pk, "status": run.state}

    def describe(self, result: dict[str, Any]) -> str:
        return f"The run {result['run_id']} is {result['status']}."
