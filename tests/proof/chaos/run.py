"""One run: first undisturbed, then in the storm; then it is asked what is left of everything."""

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
from tenants.services import create_tenant
from tests.knowledge.libraries import default_ports
from tests.proof.chaos import corpus, state
from tests.proof.chaos.corpus import Content
from tests.proof.chaos.embedder import Endpoint
from tests.proof.chaos.events import Log, read
from tests.proof.chaos.instance import Services, running
from tests.proof.chaos.people import KEPT, People, named
from tests.proof.chaos.scale import Scale
from tests.proof.chaos.seeker import Seeker
from tests.proof.chaos.state import State
from tests.proof.chaos.storm import Step, Storm
from tests.proof.chaos.worker import deliver_twice

RETRIES = 3
# Some real documents cannot be read: pictures without text, say.
SPARE = 10


@dataclass(slots=True)
class Outcome:
    """What a run leaves behind, for the verdict."""

    tenant_id: UUID
    steps: list[Step]
    undisturbed: dict[str, State]
    expected: dict[str, Content]
    poisoned: frozenset[str]
    storm: Storm
    people: People
    seeker: Seeker
    events: Path
    is_drained: bool = False
    retried: int = 0
    stuck: list[str] = field(default_factory=list)
    findings: list[Report] = field(default_factory=list)


@contextmanager
def survived(scale: Scale, data: Path | None, endpoint: Endpoint) -> Iterator[Outcome]:
    """The instance, with its services running, after the storm."""
    folder = settings.LAYOUT.data / "chaos"
    folder.mkdir(parents=True)
    contents = corpus.gather(folder, data, scale.documents - scale.poison + SPARE, scale.seed)
    poison = corpus.poison(folder, scale.poison)
    deliver_twice()
    with running() as services:
        make_tables_if_new()
        storm = Storm(scale, services, folder)
        storm.start()
        steps, undisturbed = _rehearse(contents, folder, scale)
        endpoint.is_moody = True
        contents = [one for one in contents if undisturbed[one.key].status == "done"]
        contents = contents[: scale.documents - scale.poison]
        outcome = _prepare(storm, contents, poison, undisturbed, steps, folder, scale)
        storm.blow(steps)
        endpoint.is_moody = False
        _look(outcome, services, scale)
        storm.end()
        yield outcome


def _actor(name: str) -> tuple[Actor, UUID]:
    """In a new tenant, and its reference."""
    tenant_id = create_tenant(name=name, admin_email=f"{name}@example.org").tenant_id
    actor = system_actor(tenant_id, "chaos")
    return actor, get_or_create_reference(actor=actor, workspace="Main", reference="Files").pk


def _rehearse(contents: list[Content], folder: Path, scale: Scale) -> tuple[list[Step], dict[str, State]]:
    """The undisturbed run of each content; and the steps that workers pass, also when documents are replaced, cannot
    be read, and are deleted."""
    actor, reference_id = _actor("undisturbed")
    people = People(actor, reference_id, contents, Log(Path(os.devnull)), scale.seed)
    people.add({content.key: content for content in contents})
    extras = corpus.extras(folder)
    for some in extras:
        people.add(some)
        assert state.wait_until_done(actor.tenant_id, scale.drain)
    people.remove(sorted({name for some in extras for name in some}))
    assert state.wait_until_done(actor.tenant_id, scale.drain)
    passed = [event for event in read(folder / "events") if event["event"] == "passed"]
    return sorted({(event["side"], event["step"]) for event in passed}), state.states(actor.tenant_id)


def _prepare(
    storm: Storm,
    contents: list[Content],
    poison: list[Content],
    undisturbed: dict[str, State],
    steps: list[Step],
    folder: Path,
    scale: Scale,
) -> Outcome:
    """Everything is uploaded, after something older; nobody touches the poisoned ones any more, and somebody searches."""
    actor, reference_id = _actor("chaos")
    people = People(actor, reference_id, contents, Log(folder / "operations"), scale.seed)
    mixed = random.Random(scale.seed).sample([*contents, *poison], len(contents) + len(poison))
    people.add(named(contents[: len(contents) // 4], "older/"))
    assert state.wait_until_done(actor.tenant_id, scale.drain)
    people.add(named(mixed, KEPT))
    poisoned = {name: one for name, one in people.expected.items() if one in poison}
    people.expected = {name: one for name, one in people.expected.items() if one not in poison}
    texts = {text for one in undisturbed.values() for text in one.texts}
    seeker = Seeker(actor, sorted(texts), people.deleted, scale.seed)
    people.start()
    seeker.start()
    return Outcome(
        tenant_id=actor.tenant_id,
        steps=steps,
        undisturbed=undisturbed,
        expected=poisoned,
        poisoned=frozenset(poisoned),
        storm=storm,
        people=people,
        seeker=seeker,
        events=folder / "events",
    )


def _look(outcome: Outcome, services: Services, scale: Scale) -> None:
    """When the storm is over: what comes to rest by itself, what a Retry mends, what `reconcile` finds."""
    outcome.storm.calm()
    outcome.people.settle()
    outcome.expected |= outcome.people.expected
    outcome.is_drained = state.wait_until_done(outcome.tenant_id, scale.drain)
    outcome.stuck = state.stuck(outcome.tenant_id)
    _retry(outcome, scale)
    outcome.seeker.stop()
    _make_old(settings.LAYOUT.files)
    for repair in (True, False):
        ports = default_ports()
        actor = system_actor(outcome.tenant_id, "chaos")
        found = reconcile(actor=actor, store=ports.store, model=ports.embedder.model, repair=repair)
        outcome.findings.append(found)
        state.wait_until_done(outcome.tenant_id, scale.drain)


def _retry(outcome: Outcome, scale: Scale) -> None:
    """As people do with documents that five deaths in a row brought into error, the poisoned ones aside."""
    actor = system_actor(outcome.tenant_id, "chaos")
    for _ in range(RETRIES):
        failed = state.ids_in_error(outcome.tenant_id, "worker_died", "internal_error")
        mine = [pk for pk in failed if pk not in {outcome.people.ids[name] for name in outcome.poisoned}]
        if mine:
            outcome.retried += retry_documents(actor=actor, document_ids=mine)
            state.wait_until_done(outcome.tenant_id, scale.drain)


def _make_old(folder: Path) -> None:
    """`reconcile` is patient with files that are new."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 3600,) * 2)
