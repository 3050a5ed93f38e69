"""What the engine of workflows costs itself: runs whose steps do nothing, in turns with the same in DBOS, which keeps each
step in the same PostgreSQL, too; and how much memory an iteration of 10,000 items takes.

`python -m benchmarks.workflows` takes some six minutes on two quiet cores.
"""

from __future__ import annotations

from benchmarks import instance  # before all else

# isort: split
import time
from typing import Any
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connections

from benchmarks.memory import sample_memory
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
ITEMS, TARGET_MB = 10_000, 50
DATABASE = "dbos"


def main() -> None:
    report = BenchmarkReport()
    with instance.running():
        actor = instance.new_tenant()
        workflow = _workflow(actor, "Nothing", *[(StepType.TRANSFORM, {"values": {}})] * STEPS)
        _run(actor, workflow)
        own, peer_times = Times(), Times()
        with environment.start("dbos_steps", _peer_url(), str(STEPS), str(RUNS)) as peer:
            for _ in range(RUNS):
                own.append(_run(actor, workflow) / STEPS * 1000)
                figures = peer.request()
                peer_times.append(figures["seconds"] / STEPS * 1000)
        measure_memory(actor, report)
    is_met = own.p50 <= TARGET_MS
    report.add(
        "A step that does nothing, in OYL, median", f"{own.p50:.2f} ms", f"≤ {TARGET_MS} ms", met=is_met
    )
    name = f"A step that does nothing, in DBOS {figures['version']}, median"
    report.add(name, f"{peer_times.p50:.2f} ms", "> OYL", met=peer_times.p50 > own.p50)
    report.save("workflows")


def measure_memory(actor: Actor, report: BenchmarkReport) -> None:
    """The worker's memory before the iteration is that after a smaller one."""
    each = _workflow(actor, "Each", (StepType.TRANSFORM, {"values": {"text": "input.text"}}))
    config = {"items": "input.items", "workflow": str(each.pk), "at_once": 10}
    workflow = _workflow(actor, "All", (StepType.ITERATE, config))
    with sample_memory(psutil.Process()) as samples:
        _run(actor, workflow, {"items": _items(ITEMS // 20)})
        before = samples[-1].worker
        seconds = _run(actor, workflow, {"items": _items(ITEMS)})
    growth = max(sample.worker for sample in samples) - before
    what = f"The worker grows in an iteration of {ITEMS:,} items ({seconds:.0f} s) by"
    report.add(what, f"{growth:.0f} MB", f"≤ {TARGET_MB} MB", met=growth <= TARGET_MB)


def _items(count: int) -> list[dict[str, str]]:
    """Some 50 characters each."""
    return [{"text": f"item {number} of {count} ".ljust(30, "x")} for number in range(count)]


def _workflow(actor: Actor, name: str, *steps: tuple[StepType, dict[str, Any]]) -> Workflow:
    """A published one."""
    with tenant_scope(actor.tenant_id):
        workspace, _ = Workspace.objects.get_or_create(name="Main")
        workflow: Workflow = Workflow.objects.create(workspace=workspace, name=name)
        for position, (kind, config) in enumerate(steps):
            key = f"step{position}"
            WorkflowStep.objects.create(
                workflow=workflow, position=position, key=key, type_enum=kind, config_json=config
            )
    publish(workflow, actor=actor)
    return workflow


def _run(actor: Actor, workflow: Workflow, given: Any = None) -> float:
    """The seconds of a run, from its start to its end."""
    began = time.perf_counter()
    run = start_run(workflow, input=given or {}, actor=actor, started_by=StartedBy.COMMAND)
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
