"""Encrypted Office files. Excel encrypts a workbook whose structure is protected with a password of its own, and opens it
without asking for one: only those are read. The way of encryption is that of [MS-OFFCRYPTO]."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree

from engines.parsing import ParsedDocument, ParseError
from engines.parsing.archives.containers import type_in_zip
from engines.parsing.formats import load_reader
from engines.parsing.job import Job
from engines.parsing.office.office_package import XML_OPTIONS, attribute, descendants

_PASSWORD = "VelvetSweatshop".encode("utf-16-le")  # the one that Excel has for all
_AGILE = 4
_STANDARD_SPINS, _MAX_SPINS = 50_000, 1_000_000
_SEGMENT = 4_096
_INPUT_BLOCK, _VALUE_BLOCK = bytes.fromhex("fea7d2763b4b9e79"), bytes.fromhex("d7aa0f6d3061344e")
_KEY_BLOCK = bytes.fromhex("146e0be7abacd0d6")

Digest = Callable[[bytes], bytes]


class _Package(NamedTuple):
    info: bytes
    data: bytes


def read(job: Job) -> ParsedDocument:
    import olefile

    try:
        with olefile.OleFileIO(job.path) as ole:
            package = _Package(
                *(ole.openstream(name).read() for name in ("EncryptionInfo", "EncryptedPackage"))
            )
        is_agile = struct.unpack_from("<H", package.info)[0] == _AGILE and package.info[2:4] == b"\4\0"
        content = _decrypt_agile(package) if is_agile else _decrypt_standard(package)
    except (OSError, ValueError, IndexError, KeyError, struct.error, etree.XMLSyntaxError) as error:
        raise ParseError("password_protected") from error
    path = job.workdir / "decrypted"
    path.write_bytes(content[: struct.unpack_from("<Q", package.data)[0]])
    mime_type = type_in_zip(path, job.filename)
    return load_reader(mime_type)(replace(job, path=path, mime_type=mime_type))


def _decrypt_standard(package: _Package) -> bytes:
    """Raise ValueError if the password is another one."""
    size = struct.unpack_from("<I", package.info, 8)[0]
    bits = struct.unpack_from("<I", package.info, 12 + 16)[0]
    verifier = package.info[12 + size :]
    digest = _digest("SHA1")
    hashed = digest(_spun(digest, verifier[4:20], _STANDARD_SPINS) + bytes(4))
    key = digest(bytes(byte ^ 0x36 for byte in hashed.ljust(64, b"\0")))[: bits // 8]
    proof = _aes(key, verifier[20:36])
    if digest(proof) != _aes(key, verifier[40:72])[:20]:
        raise ValueError("another password")
    return _aes(key, package.data[8 : 8 + (len(package.data) - 8) // 16 * 16])


def _decrypt_agile(package: _Package) -> bytes:
    """Raise ValueError if the password is another one."""
    root = etree.fromstring(package.info[8:], etree.XMLParser(**XML_OPTIONS))
    facts = next(descendants(root, "encryptedKey"))
    digest, salt = _digest(attribute(facts, "hashAlgorithm")), b64decode(attribute(facts, "saltValue"))
    hashed = _spun(digest, salt, min(int(attribute(facts, "spinCount")), _MAX_SPINS))

    def opened(name: str, block: bytes) -> bytes:
        key = digest(hashed + block)[: int(attribute(facts, "keyBits")) // 8]
        return _aes(key, b64decode(attribute(facts, name)), salt)

    proof = digest(opened("encryptedVerifierHashInput", _INPUT_BLOCK)[: len(salt)])
    if opened("encryptedVerifierHashValue", _VALUE_BLOCK)[: len(proof)] != proof:
        raise ValueError("another password")
    key = opened("encryptedKeyValue", _KEY_BLOCK)[: int(attribute(facts, "keyBits")) // 8]
    return b"".join(_segments(next(descendants(root, "keyData")), key, package.data[8:]))


def _segments(facts: Any, key: bytes, data: bytes) -> list[bytes]:
    digest, salt = _digest(attribute(facts, "hashAlgorithm")), b64decode(attribute(facts, "saltValue"))
    starts = range(0, len(data) // 16 * 16, _SEGMENT)
    vectors = (digest(salt + struct.pack("<I", number))[:16] for number in range(len(starts)))
    return [
        _aes(key, data[start : min(start + _SEGMENT, len(data) // 16 * 16)], vector)
        for start, vector in zip(starts, vectors, strict=True)
    ]


def _digest(name: str) -> Digest:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()


def _spun(digest: Digest, salt: bytes, spins: int) -> bytes:
    hashed = digest(salt + _PASSWORD)
    for number in range(spins):
        hashed = digest(struct.pack("<I", number) + hashed)
    return hashed


def _aes(key: bytes, data: bytes, vector: bytes | None = None) -> bytes:
    mode = modes.CBC(vector[:16]) if vector else modes.ECB()  # noqa: S305  # as the format says
    decryptor = Cipher(algorithms.AES(key), mode).decryptor()
    return decryptor.update(data) + decryptor.finalize()
