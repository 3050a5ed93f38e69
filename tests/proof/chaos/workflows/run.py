"""One run of the harness: each input without faults, then many runs under faults; then everything is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from core.isolation.scope import tenant_scope
from jobs.states import JobState
from knowledge.models import Document, DocumentStatus, DocumentTag
from oyl.embedded.services import make_tables_if_new
from tests.proof.chaos.events import read
from tests.proof.chaos.faults import FaultInjector, Step
from tests.proof.chaos.instance import running
from tests.proof.chaos.row import Row, none
from tests.proof.chaos.scale import Scale
from tests.proof.chaos.verdict import deaths, steps_with_deaths
from tests.proof.chaos.worker import deliver_twice, run_beat, run_web
from tests.proof.chaos.workflows import knowledge, scenario
from tests.proof.chaos.workflows.effects import Effects
from tests.proof.chaos.workflows.outside import Outside
from tests.proof.chaos.workflows.people import People
from tests.proof.chaos.workflows.worker import run_worker
from tests.support.chat_server import ChatServer, says
from tests.support.model_server import running as serving
from workflows.models import Approval, StepRun, WorkflowRun
from workflows.steps.registry import step_types

# Before these, a worker is suspended for longer than its lease.
STALLED = ("execution.Execution._finish", "execution.Execution._end", "http_request.HttpRequest.run")


def run_under_faults(scale: Scale) -> list[Row]:
    folder = settings.LAYOUT.data / "chaos"
    folder.mkdir(parents=True)
    effects = Effects(scale.seed)
    repeat = says(lambda body: str(body["messages"][-1]["content"]))
    deliver_twice()
    with serving(ChatServer(otherwise=repeat)) as model, running() as services:
        outside = Outside(effects.url, model.url)
        make_tables_if_new()
        scenarios = {name: scenario.make(name, outside, folder) for name in ("undisturbed", "chaos")}
        faults = FaultInjector(
            scale,
            services,
            folder,
            run_worker=run_worker,
            processes={"beat": run_beat, "web": run_web},
            stalled=STALLED,
        )
        faults.start()
        try:
            outputs = _rehearse(People(*scenarios["undisturbed"], folder), scale)
            steps = _steps(folder)
            effects.is_reliable = False
            trial = _under_faults(People(*scenarios["chaos"], folder), effects, faults, steps, scale)
        finally:
            faults.stop()
        rows = [*_fault_rows(faults, folder, steps, scale), *_run_rows(trial, outputs, effects)]
    effects.stop()
    return rows


@dataclass(frozen=True, slots=True)
class Trial:
    people: People
    keys: dict[str, int]
    is_drained: bool


def _rehearse(people: People, scale: Scale) -> dict[int, Any]:
    """The output of each input, undisturbed."""
    people.start()
    for number in range(scenario.INPUTS):
        people.begin(number)
    assert people.wait_until_done(scale.drain)
    people.stop()
    with tenant_scope(people.person.tenant_id):
        done = WorkflowRun.objects.filter(parent=None, state=JobState.DONE)
        outputs = {run.input_json["n"]: run.output_json for run in done}
        failed = list(WorkflowRun.objects.exclude(error_code="").values_list("step_key", "error_detail"))
    assert len(outputs) == scenario.INPUTS, failed
    return outputs


def _steps(folder: Any) -> list[Step]:
    passed = [event for event in read(folder / "events") if event["event"] == "passed"]
    return sorted({(event["side"], event["step"]) for event in passed})


def _under_faults(
    people: People, effects: Effects, faults: FaultInjector, steps: list[Step], scale: Scale
) -> Trial:
    people.start()
    keys = {people.begin(number): number % scenario.INPUTS for number in range(scale.documents)}
    faults.inject(steps)
    faults.stop_injecting()
    effects.is_reliable = True
    is_drained = people.wait_until_done(scale.drain)
    people.stop()
    return Trial(people, keys, is_drained)


def _fault_rows(faults: FaultInjector, folder: Any, steps: list[Step], scale: Scale) -> Iterator[Row]:
    events = read(folder / "events")
    yield Row("Processes killed with SIGKILL", faults.kills, f"≥ {scale.kills}", faults.kills >= scale.kills)
    yield Row("… workers, while they held a run", sum(bool(death.held) for death in deaths(events)))
    places = steps_with_deaths(events, steps)
    yield Row("… at functions of the engine, before and after each", f"{len(places)} of {len(steps)}")
    done = ", ".join(f"{fault} {number}" for fault, number in sorted(faults.done.items()))
    yield Row("Struck", done, "", not faults.done["worker ended by itself"])


def _run_rows(trial: Trial, outputs: dict[int, Any], effects: Effects) -> Iterator[Row]:
    with tenant_scope(trial.people.person.tenant_id):
        runs = list(WorkflowRun.objects.filter(parent=None))
        steps, kinds = StepRun.objects.count(), set(StepRun.objects.values_list("type_enum", flat=True))
        interrupted = StepRun.objects.filter(was_interrupted=True).count()
        approvals = list(Approval.objects.values_list("run", "state", "shown_json", "decided_by_id"))
        children = Counter(WorkflowRun.objects.exclude(parent=None).values_list("state", flat=True))
    yield none("Step types that no run has", sorted(step_types().keys() - kinds))
    yield Row("Runs, and steps of these and their child runs", f"{len(runs):,} and {steps:,}")
    yield Row("… of them, steps that were interrupted", f"{interrupted:,}", "> 0", interrupted > 0)
    yield Row("Requests to the web process without a response, sent again", trial.people.rest.unanswered)
    yield Row("Runs retried after their workers were killed five times in a row", trial.people.retried)
    yield none("Runs lost", len(trial.keys) - len(runs))
    stuck = Counter(run.state for run in runs if run.state != JobState.DONE)
    yield Row("Runs stuck or failed", dict(stuck), "{}", trial.is_drained and not stuck)
    yield none("Child runs not done", sum(children.values()) - children[JobState.DONE])
    yield none("Outputs that differ from those of undisturbed runs", [
        run.pk for run in runs if run.output_json != outputs[run.input_json["n"]]
    ])  # fmt: skip
    yield from _effect_rows(trial, effects)
    yield from _document_rows(trial)
    decided = Counter(run for run, *_ in approvals)
    wrong = [
        run
        for run, state, n, by in approvals
        if state != ("rejected" if scenario.is_refused(n) else "approved") or by != _user(trial)
    ]
    yield none("Approvals missing, double, or not as decided", wrong + [
        run.pk for run in runs if decided[run.pk] != 1
    ])  # fmt: skip


def _document_rows(trial: Trial) -> Iterator[Row]:
    """Each run that was not refused has filed one document, and tagged it."""
    expected = Counter(f"{key}.md" for key, n in trial.keys.items() if not scenario.is_refused(n))
    with tenant_scope(trial.people.person.tenant_id):
        tags = DocumentTag.objects.filter(document__reference__name=knowledge.INBOX, tag__tag="marked")
        found = Counter(tags.values_list("document__external_id", flat=True))
        filed = Document.objects.filter(reference__name=knowledge.INBOX)
        states = Counter(filed.values_list("processed_status", flat=True))
    wrong = (expected - found) + (found - expected)
    yield none("Documents of runs that are missing, double or without their tag", [*wrong])
    yield none("Documents not read", states.total() - states[DocumentStatus.DONE])


def _user(trial: Trial) -> UUID | None:
    return trial.people.person.actor.user_id


def _effect_rows(trial: Trial, effects: Effects) -> Iterator[Row]:
    expected = set[tuple[str, str, int]]().union(
        *(scenario.expected_effects(key, n) for key, n in trial.keys.items())
    )
    ours = {effect: keys for effect, keys in effects.keys.items() if effect[0] in trial.keys}
    yield Row("Effects outside", f"{len(expected):,}, made {sum(map(len, ours.values())):,} times")
    yield none("Effects that were not made", len(expected - ours.keys()))
    yield none("Effects that no run should make", len(ours.keys() - expected))
    yield none("Effects under two idempotency keys", sum(
        len(set(keys)) > _times(effect, trial) for effect, keys in ours.items()
    ))  # fmt: skip


def _times(effect: tuple[str, str, int], trial: Trial) -> int:
    """How many steps make the same effect: an item that is there twice is one of two child runs."""
    run, step, item = effect
    return [1, 2, trial.keys[run]].count(item) if step == "item" else 1
