"""A field for secrets: JSON in Python, in PostgreSQL the envelope `{"v": 1, "k": key name, "c": ciphertext}`.

The plaintext names the location that it was written for, so that a ciphertext copied elsewhere is refused. Once a
value is assigned, the object holds ciphertext only: `object.field.decrypt()` is the only way to the value.
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

from core.bounded_fields import MaxJsonLengthValidator
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
    """The column and row that a secret belongs to."""

    tenant: str
    table: str
    row: str
    field: str

    def __str__(self) -> str:
        return f"The secret in {self.table}.{self.field} of {self.row}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The column's JSON text, not parsed: list pages load secrets without reading them."""

    text: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Secret:
    """The value of an encrypted field: ciphertext with its location."""

    location: Location
    envelope: Envelope

    @classmethod
    @sensitive_variables()
    def encrypt(cls, location: Location, value: Any) -> Secret:
        """Encrypt with the first key."""
        key, cipher = next(iter(ciphers().items()))
        token = cipher.encrypt(json.dumps([location, value], separators=(",", ":")).encode())
        return cls(location, Envelope(json.dumps({"v": VERSION, "k": key, "c": b64encode(token).decode()})))

    @sensitive_variables()
    def decrypt(self) -> Any:
        """The value. Raises SecretUnreadableError or SecretMovedError."""
        key, token = self._parse_envelope()
        if key not in ciphers():
            raise SecretUnreadableError(
                f"{self.location} was encrypted with the key '{key}', which OYL_ENCRYPTION_KEYS does not have. "
                "Add that key again, or enter the secret anew."
            )
        try:
            location, value = json.loads(ciphers()[key].decrypt(token))
        except (BadSignature, InvalidToken):
            raise self._changed_error() from None
        if location != list(self.location):
            raise SecretMovedError(
                f"{self.location} was encrypted for another place and copied here inside the database. "
                "Enter the secret anew, and find out who can write to the database."
            )
        return value

    def for_storage(self, location: Location) -> Secret:
        """The secret to store: encrypted again if the location differs (the object was copied), or if the key is not the
        first one, so that an object loaded before a rotation does not undo it. An unreadable secret stays as it is."""
        if location != self.location:
            return Secret.encrypt(location, self.decrypt())
        try:
            is_current = self._parse_envelope()[0] == next(iter(ciphers()))
            return self if is_current else Secret.encrypt(location, self.decrypt())
        except (SecretUnreadableError, SecretMovedError):
            return self

    def __repr__(self) -> str:
        return "<Secret>"

    def _parse_envelope(self) -> tuple[str, bytes]:
        """The key's name and the token. Only the exact output of `encrypt` is valid: b64decode alone ignores some bits."""
        try:
            envelope = json.loads(self.envelope.text)
            token = b64decode(envelope["c"])
            if envelope != {"v": VERSION, "k": str(envelope["k"]), "c": b64encode(token).decode()}:
                raise ValueError
        except (ValueError, TypeError, KeyError, binascii.Error):
            raise self._changed_error() from None
        return envelope["k"], token

    def _changed_error(self) -> SecretUnreadableError:
        return SecretUnreadableError(
            f"{self.location} was changed outside of OYL, or its key's name now stands for another key. "
            "Give the name its old key again, restore the row from a backup, or enter the secret anew."
        )


class SecretAttribute(DeferredAttribute):
    """Encrypts a value when it is assigned."""

    field: EncryptedJSONField

    @sensitive_variables()
    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, Envelope):
            value = Secret(self.field.location(instance), value)
        elif value is not None and not isinstance(value, Secret):
            value = Secret.encrypt(self.field.location(instance), value)
        vars(instance)[self.field.attname] = value


class WriteOnlyFormField(forms.JSONField):
    """Never shows the stored value, and keeps it when the field is left empty."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["help_text"] = (
            kwargs.get("help_text") or "Stored encrypted and not shown again. Leave it empty to keep it."
        )
        super().__init__(**{**kwargs, "required": False, "validators": [MaxJsonLengthValidator()]})

    def prepare_value(self, value: Any) -> str:
        return ""


class EncryptedJSONField(models.JSONField):
    """Its objects hold a `Secret`, or None. It is written by save() and bulk_create() only, and serialisers leave it
    out."""

    descriptor_class = SecretAttribute

    def location(self, instance: models.Model) -> Location:
        """Uses loaded values only: this is called while an instance is being initialised."""
        loaded = vars(instance)
        tenant = loaded.get(self._tenant_attname) or current_tenant_id()
        row = loaded[self.model._meta.pk.attname]
        return Location(_uuid(tenant), self.model._meta.db_table, _uuid(row), self.attname)

    def pre_save(self, model_instance: models.Model, add: bool) -> Envelope | None:
        secret: Secret | None = getattr(model_instance, self.attname)
        if secret is None:
            return None
        stored = secret.for_storage(self.location(model_instance))
        setattr(model_instance, self.attname, stored)
        return stored.envelope

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Envelope | None:
        return None if value is None else Envelope(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        if not isinstance(value, Envelope):
            raise SecretUpdateError
        return connection.ops.adapt_json_value(json.loads(value.text), None)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """A Secret holds valid JSON; only None may be invalid."""
        if not isinstance(value, Secret):
            super().validate(value, model_instance)

    def value_from_object(self, obj: models.Model) -> None:
        """Always None: neither forms nor `dumpdata` get the value."""

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        if data not in self.empty_values:
            setattr(instance, self.attname, data)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": WriteOnlyFormField, **kwargs})

    @cached_property
    def _tenant_attname(self) -> str:
        """The id of the tenant's own row is the tenant's id."""
        names = {field.attname for field in self.model._meta.concrete_fields}
        return "tenant_id" if "tenant_id" in names else "id"


def _uuid(value: Any) -> str:
    return str(UUID(str(value)))
