"""One run: ingestion without faults, then under faults; then everything is compared."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings

from core.actors import Actor, system_actor
from knowledge.reconcile.comparison import reconcile
from knowledge.reconcile.findings import Report
from knowledge.services.changing import retry_documents
from knowledge.services.references import get_or_create_reference
from oyl.embedded.services import make_tables_if_new
from tenants.services.organisations import create_tenant
from tests.knowledge.libraries import default_ports
from tests.proof.chaos import corpus, state
from tests.proof.chaos.corpus import Content
from tests.proof.chaos.embedder import Endpoint
from tests.proof.chaos.events import Log, read
from tests.proof.chaos.faults import FaultInjector, Step
from tests.proof.chaos.instance import running
from tests.proof.chaos.scale import Scale
from tests.proof.chaos.searcher import Searcher
from tests.proof.chaos.state import State
from tests.proof.chaos.users import KEPT, Users, named
from tests.proof.chaos.worker import deliver_twice

RETRIES = 3
# Some real documents cannot be ingested, such as pictures without text.
SPARE_DOCUMENTS = 10


@dataclass(slots=True)
class Outcome:
    """The results of a run, for the report."""

    tenant_id: UUID
    steps: list[Step]
    undisturbed: dict[str, State]
    expected: dict[str, Content]
    poisoned: frozenset[str]
    faults: FaultInjector
    users: Users
    searcher: Searcher
    events: Path
    is_drained: bool = False
    retried: int = 0
    stuck: list[str] = field(default_factory=list)
    findings: list[Report] = field(default_factory=list)


@contextmanager
def run_under_faults(scale: Scale, data: Path | None, endpoint: Endpoint) -> Iterator[Outcome]:
    """Yield the outcome, with the services still running."""
    folder = settings.LAYOUT.data / "chaos"
    folder.mkdir(parents=True)
    contents = corpus.collect(folder, data, scale.documents - scale.poison + SPARE_DOCUMENTS, scale.seed)
    poison = corpus.poison(folder, scale.poison)
    deliver_twice()
    with running() as services:
        make_tables_if_new()
        faults = FaultInjector(scale, services, folder)
        faults.start()
        steps, undisturbed = _rehearse(contents, folder, scale)
        endpoint.is_unreliable = True
        contents = [one for one in contents if undisturbed[one.key].status == "done"]
        contents = contents[: scale.documents - scale.poison]
        outcome = _prepare(faults, contents, poison, undisturbed, steps, folder, scale)
        faults.inject(steps)
        endpoint.is_unreliable = False
        _evaluate(outcome, scale)
        faults.stop()
        yield outcome


def _new_actor(name: str) -> tuple[Actor, UUID]:
    """Return an actor in a new tenant, and the id of its reference."""
    tenant_id = create_tenant(name=name, admin_email=f"{name}@example.org").tenant_id
    actor = system_actor(tenant_id, "chaos")
    return actor, get_or_create_reference(actor=actor, workspace="Main", reference="Files").pk


def _rehearse(contents: list[Content], folder: Path, scale: Scale) -> tuple[list[Step], dict[str, State]]:
    """Ingest each content without faults. Return the steps that workers pass, also when documents are replaced, unreadable
    or deleted, and the states of the documents."""
    actor, reference_id = _new_actor("undisturbed")
    users = Users(actor, reference_id, contents, Log(Path(os.devnull)), scale.seed)
    users.add({content.key: content for content in contents})
    extras = corpus.extras(folder)
    for upload in extras:
        users.add(upload)
        assert state.wait_until_done(actor.tenant_id, scale.drain)
    users.remove(sorted({name for upload in extras for name in upload}))
    assert state.wait_until_done(actor.tenant_id, scale.drain)
    passed = [event for event in read(folder / "events") if event["event"] == "passed"]
    return sorted({(event["side"], event["step"]) for event in passed}), state.states(actor.tenant_id)


def _prepare(
    faults: FaultInjector,
    contents: list[Content],
    poison: list[Content],
    undisturbed: dict[str, State],
    steps: list[Step],
    folder: Path,
    scale: Scale,
) -> Outcome:
    """Ingest some older documents, queue all others, and start users and searcher. Users do not change the poisoned
    documents."""
    actor, reference_id = _new_actor("chaos")
    users = Users(actor, reference_id, contents, Log(folder / "operations"), scale.seed)
    shuffled = random.Random(scale.seed).sample([*contents, *poison], len(contents) + len(poison))
    users.add(named(contents[: len(contents) // 4], "older/"))
    assert state.wait_until_done(actor.tenant_id, scale.drain)
    users.add(named(shuffled, KEPT))
    poisoned = {name: one for name, one in users.expected.items() if one in poison}
    users.expected = {name: one for name, one in users.expected.items() if one not in poison}
    texts = {text for one in undisturbed.values() for text in one.texts}
    searcher = Searcher(actor, sorted(texts), users.deleted, scale.seed)
    users.start()
    searcher.start()
    return Outcome(
        tenant_id=actor.tenant_id,
        steps=steps,
        undisturbed=undisturbed,
        expected=poisoned,
        poisoned=frozenset(poisoned),
        faults=faults,
        users=users,
        searcher=searcher,
        events=folder / "events",
    )


def _evaluate(outcome: Outcome, scale: Scale) -> None:
    """After the faults: wait for the workers, retry, and run `reconcile` twice."""
    outcome.faults.stop_injecting()
    outcome.users.settle()
    outcome.expected |= outcome.users.expected
    outcome.is_drained = state.wait_until_done(outcome.tenant_id, scale.drain)
    outcome.stuck = state.stuck(outcome.tenant_id)
    _retry(outcome, scale)
    outcome.searcher.stop()
    _age_files(settings.LAYOUT.files)
    for repair in (True, False):
        ports = default_ports()
        actor = system_actor(outcome.tenant_id, "chaos")
        report = reconcile(actor=actor, store=ports.store, repair=repair)
        outcome.findings.append(report)
        state.wait_until_done(outcome.tenant_id, scale.drain)


def _retry(outcome: Outcome, scale: Scale) -> None:
    """Retry the documents that are in error after five worker deaths, except the poisoned ones."""
    actor = system_actor(outcome.tenant_id, "chaos")
    for _ in range(RETRIES):
        failed = state.ids_in_error(outcome.tenant_id, "worker_died", "internal_error")
        poisoned = {outcome.users.ids[name] for name in outcome.poisoned}
        if ids := [pk for pk in failed if pk not in poisoned]:
            outcome.retried += retry_documents(actor=actor, document_ids=ids)
            state.wait_until_done(outcome.tenant_id, scale.drain)


def _age_files(folder: Path) -> None:
    """`reconcile` ignores new files."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 3600,) * 2)
