"""The receivers in docs/webhooks.md check signatures, and pass over what comes twice."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from core.webhook_signatures import new_secret, signed_headers
from tests.contracts.clients.programs import COMMANDS, examples

BODY = b'{"type": "document.indexed", "data": {"id": 7, "documents": ["\xc3\xa9"]}}'


@contextmanager
def receiver(language: str, secret: str, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The program of the page, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    suffix = {"python": "py", "javascript": "mjs"}[language]
    program = folder / f"receiver.{suffix}"
    program.write_text(examples("webhooks.md", language))
    environment = {"PATH": os.environ["PATH"], "OYL_WEBHOOK_SECRET": secret, "PORT": str(port)}
    command = [COMMANDS[language][0], str(program)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:
        try:
            yield f"http://127.0.0.1:{port}/", process
        finally:
            process.kill()


def send(address: str, at: datetime, secrets: list[str], body: bytes = BODY, number: int = 1) -> int:
    headers = signed_headers(f"message-{number}", at, BODY, secrets)
    for _ in range(100):
        try:
            return httpx.post(address, content=body, headers=headers).status_code
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the receiver does not listen")


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_receiver_takes_what_is_signed_and_nothing_else(language: str, tmp_path: Path):
    secret, other, now = new_secret(), new_secret(), datetime.now(UTC)
    with receiver(language, secret, tmp_path) as (address, process):
        assert send(address, now, [secret]) == 204
        assert send(address, now, [secret]) == 204
        assert send(address, now, [other, secret], number=2) == 204
        assert send(address, now, [other], number=3) == 401
        assert send(address, now, [secret], body=BODY + b" ", number=4) == 401
        assert send(address, now - timedelta(minutes=6), [secret], number=5) == 401
        process.kill()
        assert process.communicate()[0].splitlines() == ["document.indexed 7"] * 2
