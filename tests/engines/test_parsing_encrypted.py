"""Encrypted Office files: those that Excel opens without asking for a password."""

from __future__ import annotations

import hashlib
import io
import struct
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from openpyxl import Workbook

from engines.parsing import ParseError
from engines.parsing.office.ole_writer import written
from tests.engines.reading import Read, texts

SALT, KEY = bytes(range(16)), bytes(range(16, 48))
SPINS = 10


def sha(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def sealed(key: bytes, data: bytes, vector: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector[:16])).encryptor()
    return encryptor.update(data.ljust(-(-len(data) // 16) * 16, b"\0")) + encryptor.finalize()


def encrypted(data: bytes, password: str) -> bytes:
    hashed = sha(SALT + password.encode("utf-16-le"))
    for number in range(SPINS):
        hashed = sha(struct.pack("<I", number) + hashed)
    proof = bytes(16)
    values = {
        "encryptedVerifierHashInput": ("fea7d2763b4b9e79", proof),
        "encryptedVerifierHashValue": ("d7aa0f6d3061344e", sha(proof)),
        "encryptedKeyValue": ("146e0be7abacd0d6", KEY),
    }
    facts = f'saltValue="{b64encode(SALT).decode()}" hashAlgorithm="SHA512" keyBits="256"'
    shown = " ".join(
        f'{name}="{b64encode(sealed(sha(hashed + bytes.fromhex(block))[:32], value, SALT)).decode()}"'
        for name, (block, value) in values.items()
    )
    info = f'<encryption><keyData {facts}/><p:encryptedKey xmlns:p="p" spinCount="{SPINS}" {facts} {shown}/></encryption>'
    segments = [data[start : start + 4096] for start in range(0, len(data), 4096)]
    package = b"".join(
        sealed(KEY, segment, sha(SALT + struct.pack("<I", number))) for number, segment in enumerate(segments)
    )
    return written(
        {
            ("EncryptionInfo",): b"\4\0\4\0\x40\0\0\0" + info.encode(),
            ("EncryptedPackage",): struct.pack("<Q", len(data)) + package,
        }
    )


def workbook() -> bytes:
    book, out = Workbook(), io.BytesIO()
    for number in range(500):
        book.active.append([f"Anchor {number}", "steel"])
    book.save(out)
    return out.getvalue()


def test_workbooks_that_open_without_a_password_are_read(read: Read) -> None:
    document = read("a.xlsx", encrypted(workbook(), "VelvetSweatshop"))
    assert "Anchor 499 | steel" in texts(document)
    assert document.mime_type.endswith("spreadsheetml.sheet")


def test_other_encrypted_files_are_refused(read: Read) -> None:
    with pytest.raises(ParseError) as caught:
        read("a.xlsx", encrypted(workbook(), "secret"))
    assert caught.value.code == "password_protected"
