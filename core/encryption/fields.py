"""A field for secrets: JSON in Python, in PostgreSQL the envelope `{"v": 1, "k": key name, "c": ciphertext}`.

What is encrypted names the place it was written for, so that a ciphertext copied elsewhere is refused. From
the assignment on, an object holds ciphertext only: `object.field.decrypt()` is the one way to the value.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.views.decorators.debug import sensitive_variables
from django_cryptography.core.signing import BadSignature
from django_cryptography.utils.crypto import InvalidToken

from core.encryption.keyring import ciphers
from core.errors import InvalidError, OylError
from core.isolation.scope import current_tenant_id

VERSION = 1


class SecretUnreadableError(OylError):
    """A secret cannot be decrypted."""


class SecretMovedError(OylError):
    """A secret lies in another place than the one it was encrypted for."""


class SecretUpdateError(InvalidError):
    """A secret is encrypted for its own row: assign it to each object and call its save()."""


class Location(NamedTuple):
    """Where a secret belongs."""

    tenant: str
    table: str
    row: str
    field: str

    def __str__(self) -> str:
        return f"The secret in {self.table}.{self.field} of {self.row}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The column's JSON text, not yet looked at: a list page loads secrets and reads none."""

    text: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Secret:
    """What an object has in an encrypted field."""

    place: Location
    envelope: Envelope

    @classmethod
    @sensitive_variables()
    def encrypt(cls, place: Location, value: Any) -> Secret:
        """Encrypt with the first key."""
        key, cipher = next(iter(ciphers().items()))
        token = cipher.encrypt(json.dumps([place, value], separators=(",", ":")).encode())
        return cls(place, Envelope(json.dumps({"v": VERSION, "k": key, "c": b64encode(token).decode()})))

    @sensitive_variables()
    def decrypt(self) -> Any:
        """The value. Raises SecretUnreadableError or SecretMovedError."""
        key, token = self._parse()
        if key not in ciphers():
            raise SecretUnreadableError(
                f"{self.place} was encrypted with the key '{key}', which OYL_ENCRYPTION_KEYS does not have. "
                "Add that key again, or enter the secret anew."
            )
        try:
            place, value = json.loads(ciphers()[key].decrypt(token))
        except (BadSignature, InvalidToken):
            raise self._changed() from None
        if place != list(self.place):
            raise SecretMovedError(
                f"{self.place} was encrypted for another place and copied here inside the database. "
                "Enter the secret anew, and find out who can write to the database."
            )
        return value

    def written_to(self, place: Location) -> Secret:
        """As it is to be stored: encrypted anew for another place (an object was copied), and under the first key, so
        that an object that was loaded before a rotation does not undo it. What cannot be read stays as it is."""
        if place != self.place:
            return Secret.encrypt(place, self.decrypt())
        try:
            return (
                self if self._parse()[0] == next(iter(ciphers())) else Secret.encrypt(place, self.decrypt())
            )
        except (SecretUnreadableError, SecretMovedError):
            return self

    def __repr__(self) -> str:
        return "<Secret>"

    def _parse(self) -> tuple[str, bytes]:
        """Only what `seal` writes is accepted, to the last bit: b64decode alone ignores some."""
        try:
            envelope = json.loads(self.envelope.text)
            token = b64decode(envelope["c"])
            if envelope != {"v": VERSION, "k": str(envelope["k"]), "c": b64encode(token).decode()}:
                raise ValueError
        except (ValueError, TypeError, KeyError, binascii.Error):
            raise self._changed() from None
        return envelope["k"], token

    def _changed(self) -> SecretUnreadableError:
        return SecretUnreadableError(
            f"{self.place} was changed outside of OYL, or its key's name now stands for another key. "
            "Give the name its old key again, restore the row from a backup, or enter the secret anew."
        )


class SecretAttribute(DeferredAttribute):
    """Encrypts what is assigned, at once."""

    field: EncryptedJSONField

    @sensitive_variables()
    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, Envelope):
            value = Secret(self.field.place(instance), value)
        elif value is not None and not isinstance(value, Secret):
            value = Secret.encrypt(self.field.place(instance), value)
        vars(instance)[self.field.attname] = value


class WriteOnlyFormField(forms.JSONField):
    """Never shows what is stored; left empty, it keeps it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["help_text"] = (
            kwargs.get("help_text") or "Stored encrypted and not shown again. Leave it empty to keep it."
        )
        super().__init__(**{**kwargs, "required": False})

    def prepare_value(self, value: Any) -> str:
        return ""


class EncryptedJSONField(models.JSONField):
    """Its objects hold a `Secret`, or None. It is written by save() and bulk_create() alone, and left out of
    whatever Django serialises."""

    descriptor_class = SecretAttribute

    def place(self, instance: models.Model) -> Location:
        """Read from what is loaded already: this is asked while an instance is being filled."""
        known = vars(instance)
        tenant = known.get(self._tenant_attname) or current_tenant_id()
        row = known[self.model._meta.pk.attname]
        return Location(_uuid(tenant), self.model._meta.db_table, _uuid(row), self.attname)

    def pre_save(self, model_instance: models.Model, add: bool) -> Envelope | None:
        secret: Secret | None = getattr(model_instance, self.attname)
        if secret is None:
            return None
        kept = secret.written_to(self.place(model_instance))
        setattr(model_instance, self.attname, kept)
        return kept.envelope

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Envelope | None:
        return None if value is None else Envelope(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        if not isinstance(value, Envelope):
            raise SecretUpdateError
        return connection.ops.adapt_json_value(json.loads(value.text), None)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """A Secret holds JSON already; only None may be wrong."""
        if not isinstance(value, Secret):
            super().validate(value, model_instance)

    def value_from_object(self, obj: models.Model) -> None:
        """What forms show and `dumpdata` writes."""

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        if data not in self.empty_values:
            setattr(instance, self.attname, data)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": WriteOnlyFormField, **kwargs})

    @cached_property
    def _tenant_attname(self) -> str:
        """A tenant is its own tenant."""
        names = {field.attname for field in self.model._meta.concrete_fields}
        return "tenant_id" if "tenant_id" in names else "id"


def _uuid(value: Any) -> str:
    return str(UUID(str(value)))
