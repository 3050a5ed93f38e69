"""Events as sentences for people: "Ada Lovelace added 13 documents to the reference Staff handbook"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models

from audit.models import AuditLog, PlatformEvent

Event = AuditLog | PlatformEvent
# What was done, where that is more than the verb and the noun of the action.
PHRASES = {
    "answer.stopped": "stopped an answer in",
    "assistant.instruction_improved": "let a model improve the instruction of",
    "assistant.instruction_restored": "restored an instruction of",
    "audit_log.read": "read the audit log",
    "document.described": "changed the name, metadata or tags of",
    "answer.failed": "could not give",
    "answer.finished": "gave",
    "document.indexed": "read",
    "document.failed": "could not read",
    "documents.added": "added",
    "integration_config.tested": "tested",
    "knowledge_base.references_changed": "changed the references of",
    "member.account_changed": "changed the account of",
    "member.password_link_made": "made a link to choose a password for",
    "member.resumed": "let in again",
    "member.signed_out": "ended all sessions of",
    "member.suspended": "suspended",
    "members.read": "read the list of members",
    "membership.created": "became a member",
    "membership.deleted": "removed",
    "membership.role_changed": "changed the role of",
    "operator.entered": "entered the organisation as an operator",
    "operator.left": "left the organisation",
    "password.changed": "changed the password of",
    "password.confirmed": "entered the password again",
    "password.link_mailed": "asked for a link to choose a password",
    "question.asked": "asked",
    "quota.reached": "reached a quota",
    "reference.embedding_model_chosen": "chose the embedding model of",
    "search.performed": "searched",
    "passkey.added": "added a passkey for",
    "passkey.removed": "removed a passkey of",
    "second_factor.app_removed": "removed the authenticator app of",
    "second_factor.codes_made": "made recovery codes for",
    "second_factor.failed": "entered a wrong code as",
    "second_factor.turned_off": "turned off the second factor of",
    "second_factor.turned_on": "turned on the second factor of",
    "session.ended": "ended a session",
    "sessions.ended": "signed out everywhere",
    "secrets.rotated": "encrypted secrets with the present key",
    "sign_in.failed": "failed to sign in",
    "sign_in.succeeded": "signed in",
    "sign_in.throttled": "tried to sign in too often",
    "sign_on.linked": "linked the single sign-on of",
    "sign_on.unlinked": "unlinked the single sign-on of",
    "sign_out": "signed out",
    "tenant.reconciled": "compared the stores",
}
VERBS = {"created": "made", "described": "described", "reindexed": "re-indexed", "reread": "read again"}
# These name their object already, or have none.
COMPLETE = {
    "members.read",
    "quota.reached",
    "audit_log.read",
    "membership.created",
    "search.performed",
    "secrets.rotated",
}
COMPLETE_NOUNS = {"sign_in", "sign_out", "operator", "password", "session", "sessions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """`text` has no subject; `subject` is who did it, `name` of what, and `object_id` leads to it while it exists."""

    subject: str
    text: str
    noun: str
    name: str
    model: type[models.Model] | None
    object_id: UUID | None

    def __str__(self) -> str:
        return " ".join(part for part in (self.subject, self.text, self.noun, self.name) if part)


def sentences(events: Sequence[Event]) -> list[Sentence]:
    """In their order, by one query for each type of object. `events` have been annotated with `user_email`."""
    names = _names(events)
    return [_sentence(event, names) for event in events]


def _sentence(event: Event, names: Mapping[UUID, str]) -> Sentence:
    model = _models().get(event.object_type)
    is_there = event.object_id in names
    name = names.get(event.object_id, "") if event.object_id else ""
    return Sentence(
        subject=subject(event),
        text=_text(event),
        noun="" if _is_complete(event.action) or not event.object_id else _noun(event, model),
        name="" if _is_complete(event.action) else name or _former_name(event),
        model=model if is_there else None,
        object_id=event.object_id if is_there else None,
    )


def subject(event: Any) -> str:
    """Who: a person's e-mail, the name of a key, or OYL itself."""
    actor = event.payload_json.get("actor") or {}
    if event.user_email and actor.get("kind") != "api_key":
        return str(event.user_email)
    known = f"{actor.get('kind', '').replace('_', ' ')} {actor.get('credential', '')}".strip()
    return f"{known} of {event.user_email}" if event.user_email else known.capitalize() or "OYL"


def _text(event: Event) -> str:
    noun, _, verb = event.action.partition(".")
    if number := _number(event):
        counted = f"{number} {noun.replace('_', ' ')}"
        done = VERBS.get(verb, verb.replace("_", " "))
        return f"{done} {counted}" + (" in" if event.object_id else "")
    return PHRASES.get(event.action) or VERBS.get(verb, verb.replace("_", " "))


def _number(event: Event) -> int:
    """Of the objects in an event about several, or 0."""
    noun = event.action.partition(".")[0]
    changed = event.payload_json.get("new") or event.payload_json.get("old") or {}
    about_one = event.object_type == noun and event.object_id
    if noun not in ("documents", "chunks") or about_one:
        return 0
    listed = event.payload_json.get(noun) or changed.get(noun) or changed
    return int(event.payload_json.get("count") or len(listed))


def _is_complete(action: str) -> bool:
    return action in COMPLETE or action.partition(".")[0] in COMPLETE_NOUNS


def _noun(event: Event, model: type[models.Model] | None) -> str:
    return f"the {model._meta.verbose_name}" if model else f"the {event.object_type.replace('_', ' ')}"


def _former_name(event: Event) -> str:
    """Of what does not exist any more, as far as the event has it."""
    values = {**(event.payload_json.get("new") or {}), **(event.payload_json.get("old") or {})}
    return next(
        (str(values[key]) for key in ("name", "filename", "title", "email", "tag") if values.get(key)), ""
    )


def _names(events: Iterable[Event]) -> dict[UUID, str]:
    wanted: defaultdict[str, set[UUID]] = defaultdict(set)
    for event in events:
        if event.object_id and event.object_type in _models():
            wanted[event.object_type].add(event.object_id)
    return {
        row.pk: str(row)
        for table, ids in wanted.items()
        for row in _models()[table]._default_manager.filter(pk__in=ids)
    }


@cache
def _models() -> dict[str, type[models.Model]]:
    return {model._meta.db_table: model for model in apps.get_models()}
