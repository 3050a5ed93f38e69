"""Finding the secrets that are not encrypted with the first key, and encrypting them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models.fields.json import KeyTextTransform

from core.encryption.fields import EncryptedJSONField, SecretMovedError, SecretUnreadableError
from core.encryption.keyring import ciphers

BATCH = 200


@dataclass(slots=True, kw_only=True)
class Rotation:
    """`rotated` is {table: number of secrets}; `unreadable` has a sentence for each secret that could not be decrypted."""

    tenant_id: UUID
    rotated: dict[str, int] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def encrypted_fields() -> Iterator[EncryptedJSONField]:
    """Every encrypted field of every model."""
    for model in apps.get_models():
        for each in model._meta.concrete_fields:
            if isinstance(each, EncryptedJSONField):
                yield each


def lock_batch(secret: EncryptedJSONField, after: UUID | None) -> list[models.Model]:
    """The scope's next rows, by id, whose secret is encrypted with another key; locked until the scope ends."""
    rows: Any = secret.model._base_manager.annotate(secret_key=KeyTextTransform("k", secret.attname))
    old = rows.filter(**{f"{secret.attname}__isnull": False}).exclude(secret_key=next(iter(ciphers())))
    if after:
        old = old.filter(pk__gt=after)
    return list(old.order_by("pk").select_for_update(of=("self",))[:BATCH])


def reencrypt(secret: EncryptedJSONField, row: models.Model) -> str:
    """Encrypt the row's secret with the first key. Returns "", or why the secret could not be decrypted."""
    try:
        setattr(row, secret.attname, getattr(row, secret.attname).decrypt())
    except (SecretUnreadableError, SecretMovedError) as error:
        return str(error)
    row.save(update_fields=[secret.attname])
    return ""
