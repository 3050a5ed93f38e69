"""Adding events to the audit log, in the transaction of the change, so that both are committed or neither."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.text import camel_case_to_spaces

from audit.events import new_event
from audit.models import AuditLog, PlatformEvent
from audit.payloads import shortened_payload
from core.actors import Actor, ActorKind
from core.apps import oyl_apps
from core.bulk_sql import insert_instances
from core.encryption.fields import EncryptedJSONField
from core.errors import ConflictError
from core.isolation.scope import tenant_scope
from core.json_values import json_text
from core.models import SoftDeleteModel
from core.permissions import Role
from core.quota_kinds import QuotaKind
from core.quotas import Amounts, charge, count
from core.recent_password import require_recent_password

Event = TypeVar("Event", AuditLog, PlatformEvent)
# An event counts once for each so many characters in the quota of events.
UNIT_LENGTH = 10_000
# These are recorded also when the quota is used up.
VERBS_NEVER_REFUSED = {"deleted", "removed", "revoked", "cancelled", "untagged", "refused"}
NOUNS_NEVER_REFUSED = {
    *("user", "member", "membership", "invitation", "password", "sign_in", "sign_out"),
    *("session", "operator", "account", "tenant", "quota_limit"),
}
# Fields that are set automatically.
UNAUDITED_FIELDS = {"id", "tenant", "created_at", "updated_at", "last_login", "password_changed_at"}


def record(
    *,
    actor: Actor,
    action: str,
    target: models.Model | None = None,
    workspace_id: UUID | None = None,
    whole: Collection[str] = (),
    **payload: Any,
) -> AuditLog:
    """Add one event to the scope's transaction.

    `action` is "noun.verb_in_past"; `payload` is JSON and holds `old` and `new` where something changed, never a secret.
    Of long values the event keeps the beginning and a digest (`audit.payloads`), except of the fields `whole` in `new`.
    """
    event = new_event(actor, action, target, workspace_id, shortened_payload(payload, whole))
    _charge(actor, event)
    _add([event])
    return event


def record_each(
    *, actor: Actor, action: str, events: Iterable[tuple[models.Model, UUID | None, dict[str, Any]]]
) -> None:
    """As `record`, one event for each (target, workspace, payload), in one statement."""
    added = [
        new_event(actor, action, target, workspace_id, shortened_payload(payload))
        for target, workspace_id, payload in events
    ]
    for event in added:
        _charge(actor, event)
    _add(added)


def _add(events: Sequence[AuditLog]) -> None:
    insert_instances(events)
    for config in oyl_apps():
        if config.on_events:
            import_string(config.on_events)(events)


def charge_with_event(*, actor: Actor, amounts: Amounts, action: str) -> None:
    """Inside a scope, before the work: `core.quotas.charge`, together with the event that will record the work, which must
    be shorter than `UNIT_LENGTH`. Raises QuotaExceededError, having counted nothing."""
    if _is_refusable(actor, action):
        charge(actor=actor, amounts={**amounts, QuotaKind.EVENTS: 1})
    else:
        charge(actor=actor, amounts=amounts)
        _count_event(actor, 1, None)


def record_charged(*, actor: Actor, action: str, **payload: Any) -> None:
    """As `record`, an event that `charge_with_event` has counted."""
    insert_instances([new_event(actor, action, None, None, shortened_payload(payload))])


def _charge(actor: Actor, event: AuditLog) -> None:
    """The event, and one more for each `UNIT_LENGTH` characters."""
    units = 1 + len(json_text(event.payload_json)) // UNIT_LENGTH
    if _is_refusable(actor, event.action):
        charge(actor=actor, amounts={QuotaKind.EVENTS: units}, workspace_id=event.workspace_id)
    else:
        _count_event(actor, units, event.workspace_id)


def _count_event(actor: Actor, units: int, workspace_id: UUID | None) -> None:
    """What OYL does in the background follows from what people and programs have asked for, and is not counted."""
    if actor.kind is not ActorKind.SYSTEM:
        count(actor=actor, amounts={QuotaKind.EVENTS: units}, workspace_id=workspace_id)


def _is_refusable(actor: Actor, action: str) -> bool:
    """Operators are not refused, nor is what takes something away or concerns access."""
    noun, _, verb = action.partition(".")
    return (
        actor.kind in (ActorKind.USER, ActorKind.API_KEY)
        and noun not in NOUNS_NEVER_REFUSED
        and verb not in VERBS_NEVER_REFUSED
    )


def events_of(target: models.Model) -> models.QuerySet[AuditLog]:
    """The events of one object, and those of its parents that name it among several, as an upload of many documents does.
    Newest first, with the users' e-mails."""
    parents = [field.value_from_object(target) for field in target._meta.concrete_fields if field.is_relation]
    among_several = models.Q(
        object_id__in=[pk for pk in parents if pk], payload_json__new__has_key=str(target.pk)
    )
    found = AuditLog.objects.filter(models.Q(object_id=target.pk) | among_several)
    return with_user_emails(found).order_by("-created_at")


def with_user_emails(events: models.QuerySet[Event]) -> models.QuerySet[Event]:
    """Annotate each event with `user_email`."""
    email = get_user_model().objects.filter(pk=models.OuterRef("user_id")).values("email")
    return events.annotate(user_email=models.Subquery(email))


def noun_of(model: type[models.Model]) -> str:
    """The noun in the actions of a model's events, as in "data_source.created"."""
    return camel_case_to_spaces(model.__name__).replace(" ", "_")


def save_audited(*, actor: Actor, instance: models.Model, action: str = "", role: Role = Role.EDITOR) -> None:
    """Save an object of a simple model, with an event of the old and new value of each field that changed; for an
    encrypted field only whether it has one. Nothing happens when nothing changed.

    `action` is "<noun>.created" or "<noun>.changed" unless given. Raises ForbiddenError below `role`, and
    PasswordNeededError for an object with secrets.
    """
    _require_right(actor, role, [instance])
    with tenant_scope(actor.tenant_id):
        old, changed = _stored_and_changed(instance)
        if not changed:
            return
        instance.save()
        record(
            actor=actor,
            action=action or f"{noun_of(type(instance))}.{'changed' if old else 'created'}",
            target=instance,
            workspace_id=getattr(instance, "owning_workspace_id", None),
            whole=[field.name for field in changed if getattr(field, "kept_in_events", False)],
            old=_values(changed, old) if old else None,
            new=_values(changed, instance),
        )


def changes_of(instance: models.Model) -> dict[str, Any]:
    """The `old` (None for a new object) and `new` values of the fields that differ from the stored row."""
    old, changed = _stored_and_changed(instance)
    return {"old": _values(changed, old) if old else None, "new": _values(changed, instance)}


def _stored_and_changed(instance: models.Model) -> tuple[Any, list[models.Field[Any, Any]]]:
    old = type(instance)._base_manager.filter(pk=instance.pk).first()
    fields = _audited_fields(instance)
    return old, [field for field in fields if old is None or _differs(field, old, instance)]


def soft_delete_audited(*, actor: Actor, instances: Sequence[models.Model], role: Role = Role.EDITOR) -> None:
    """Delete objects of simple models: softly if the model is a SoftDeleteModel, otherwise with all that cascades.

    Raises ForbiddenError below `role`, PasswordNeededError for objects with secrets, and ConflictError while undeleted
    objects depend on one.
    """
    _require_right(actor, role, instances)
    with tenant_scope(actor.tenant_id):
        if dependents := undeleted_dependents(instances):
            raise ConflictError(f"First delete what belongs to it: {', '.join(dependents)}.")
        for config in oyl_apps():
            if config.on_deletion:
                import_string(config.on_deletion)(actor=actor, instances=instances)
        for instance in instances:
            old = _values(_audited_fields(instance), instance)
            record(
                actor=actor,
                action=f"{noun_of(type(instance))}.deleted",
                target=instance,
                workspace_id=getattr(instance, "owning_workspace_id", None),
                old=old,
            )
            if isinstance(instance, SoftDeleteModel):
                instance.deleted_at = timezone.now()
                instance.save(update_fields=["deleted_at", "updated_at"])
            else:
                instance.delete()


def _require_right(actor: Actor, role: Role, instances: Sequence[models.Model]) -> None:
    actor.require(role)
    if any(isinstance(field, EncryptedJSONField) for one in instances for field in one._meta.concrete_fields):
        require_recent_password(actor)


def undeleted_dependents(instances: Sequence[models.Model]) -> list[str]:
    """The soft-deletable objects that refer to these, other than these, counted: ["2 assistants", "1 reference"]."""
    ids = [instance.pk for instance in instances]
    counts: Counter[type[models.Model]] = Counter()
    for model in {type(instance) for instance in instances}:
        for relation in model._meta.related_objects:
            child: Any = relation.related_model
            if issubclass(child, SoftDeleteModel) and child.part_of != relation.field.name:
                found = child.objects.filter(**{f"{relation.field.name}__in": ids}).exclude(pk__in=ids)
                counts[child] += found.count()
    return [
        f"{count} {model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural}"
        for model, count in counts.items()
        if count
    ]


def _audited_fields(instance: models.Model) -> list[models.Field[Any, Any]]:
    deferred = instance.get_deferred_fields()
    fields = instance._meta.concrete_fields
    return [
        field
        for field in fields
        if field.name not in UNAUDITED_FIELDS
        and field.attname not in deferred
        and not isinstance(field, models.BinaryField)
    ]


def _differs(field: models.Field[Any, Any], old: models.Model, new: models.Model) -> bool:
    before, after = getattr(old, field.attname), getattr(new, field.attname)
    if isinstance(field, EncryptedJSONField):
        return bool((before and before.envelope) != (after and after.envelope))
    return bool(before != after)


def _values(fields: Sequence[models.Field[Any, Any]], instance: models.Model) -> dict[str, Any]:
    """The fields' values as JSON; for encrypted fields, whether they have one."""
    values = {
        field.name: bool(value) if isinstance(field, EncryptedJSONField) else value
        for field in fields
        for value in [getattr(instance, field.attname)]
    }
    as_json: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return as_json
