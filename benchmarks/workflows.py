"""What the engine of workflows costs itself: runs whose steps do nothing, in turns with the same in DBOS, which keeps each
step in the same PostgreSQL, too.

`python -m benchmarks.workflows` takes some two minutes on two quiet cores.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import time
from urllib.parse import quote

from django.conf import settings
from django.db import connections

from benchmarks.peers import environment
from benchmarks.reports import BenchmarkReport
from benchmarks.times import Times
from core.actors import Actor
from core.isolation.scope import tenant_scope
from jobs.worker import work
from workflows.engine.handler import RunHandler
from workflows.models import StartedBy, StepType, Workflow, WorkflowRun, WorkflowStep
from workflows.services.publishing import publish
from workflows.services.running import start_run
from workspaces.models import Workspace

STEPS, RUNS, TARGET_MS = 100, 20, 10
DATABASE = "dbos"


def main() -> None:
    report = BenchmarkReport()
    with instance.running():
        actor = instance.new_tenant()
        workflow = _workflow(actor)
        _run(actor, workflow)
        own, peer_times = Times(), Times()
        with environment.start("dbos_steps", _peer_url(), str(STEPS), str(RUNS)) as peer:
            for _ in range(RUNS):
                own.append(_run(actor, workflow) / STEPS * 1000)
                figures = peer.request()
                peer_times.append(figures["seconds"] / STEPS * 1000)
    is_met = own.p50 <= TARGET_MS
    report.add(
        "A step that does nothing, in OYL, median", f"{own.p50:.2f} ms", f"≤ {TARGET_MS} ms", met=is_met
    )
    name = f"A step that does nothing, in DBOS {figures['version']}, median"
    report.add(name, f"{peer_times.p50:.2f} ms", "> OYL", met=peer_times.p50 > own.p50)
    report.save("workflows")


def _workflow(actor: Actor) -> Workflow:
    with tenant_scope(actor.tenant_id):
        workspace = Workspace.objects.create(name="Main")
        workflow: Workflow = Workflow.objects.create(workspace=workspace, name="Nothing")
        for position in range(STEPS):
            WorkflowStep.objects.create(
                workflow=workflow,
                position=position,
                key=f"step{position}",
                type_enum=StepType.TRANSFORM,
                config_json={"values": {}},
            )
    publish(workflow, actor=actor)
    return workflow


def _run(actor: Actor, workflow: Workflow) -> float:
    """The seconds of a run, from its start to its end."""
    began = time.perf_counter()
    run = start_run(workflow, input={}, actor=actor, started_by=StartedBy.COMMAND)
    while work(RunHandler(), actor.tenant_id):
        pass
    seconds = time.perf_counter() - began
    with tenant_scope(actor.tenant_id):
        assert WorkflowRun.objects.get(pk=run.pk).state == "done"
    return seconds


def _peer_url() -> str:
    """Of an empty database, for the peer alone."""
    owner = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    given = settings.DATABASES["owner"]
    user, password = quote(given["USER"]), quote(str(given["PASSWORD"]), safe="")
    return f"postgresql://{user}:{password}@/{DATABASE}?host={quote(str(given['HOST']), safe='')}"


if __name__ == "__main__":
    main()
