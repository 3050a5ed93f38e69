"""The paths of one embedded instance; nothing is created here."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """`data` may be long or have spaces; the path of a unix socket may have about 100 bytes at most, so sockets are in a
    short folder named by a digest of `data`, which only this user can access."""

    data: Path

    @property
    def run(self) -> Path:
        digest = hashlib.sha256(str(self.data.resolve()).encode()).hexdigest()[:12]
        # Started by root, OYL runs as the folder's owner.
        user = self.data.stat().st_uid if self.data.exists() else os.getuid()
        return Path(tempfile.gettempdir()) / f"oyl-{user}-{digest}"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def redis(self) -> Path:
        return self.data / "redis"

    @property
    def vectors(self) -> Path:
        return self.data / "vectors"

    @property
    def files(self) -> Path:
        return self.data / "files"

    @property
    def models(self) -> Path:
        return self.data / "models"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets.json"

    @property
    def database_passwords(self) -> Path:
        return self.data / "database-passwords.json"

    @property
    def service_passwords(self) -> Path:
        return self.data / "service-passwords.json"

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis.sock"

    @property
    def vector_socket(self) -> Path:
        return self.run / "vectors.sock"

    @property
    def chat_model(self) -> Path:
        """The address and the key of the chat model that runs."""
        return self.run / "chat-model.json"
