"""A security key in Python: it answers a page's challenge as a browser with a passkey does."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.webauthn import AttestedCredentialData

PRESENT, HAS_KEY = 0x01, 0x40


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class SecurityKey:
    def __init__(self, origin: str) -> None:
        self._key, self._id = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
        self._origin, self._host = origin, origin.split("//")[1].split(":", maxsplit=1)[0]

    def register(self, options: str) -> str:
        client = self._client("webauthn.create", options)
        key = AttestedCredentialData.create(
            b"\0" * 16, self._id, ES256.from_cryptography_key(self._key.public_key())
        )
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(PRESENT | HAS_KEY, key)}
        return self._answer(clientDataJSON=client, attestationObject=cbor.encode(made))

    def use(self, options: str) -> str:
        client, data = self._client("webauthn.get", options), self._data(PRESENT)
        signed = data + hashlib.sha256(client).digest()
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, flags: int, key: bytes = b"") -> bytes:
        return hashlib.sha256(self._host.encode()).digest() + struct.pack(">BI", flags, 0) + key

    def _client(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["publicKey"]["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self._origin}).encode()

    def _answer(self, **response: bytes) -> str:
        values: dict[str, Any] = {name: encoded(value) for name, value in response.items()}
        name = encoded(self._id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": values,
                "clientExtensionResults": {},
            }
        )
