"""`manage.py up` refuses to start twice or on a busy port, and says what to do instead."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from oyl.embedded import instance
from oyl.embedded.instance import Kind
from oyl.embedded.layout import Layout
from oyl.embedded.up import welcome


@pytest.fixture
def layout(tmp_path: Path, settings: Any) -> Layout:
    made = Layout(tmp_path / "var")
    settings.LAYOUT, settings.OYL_DATA_DIR = made, made.data
    return made


@pytest.fixture
def busy_port(settings: Any) -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        settings.OYL_PORT = listener.getsockname()[1]
        yield settings.OYL_PORT


def test_a_busy_port_is_named_with_how_to_choose_another(layout, busy_port):
    with pytest.raises(CommandError, match=rf"Port {busy_port} .*in use.* OYL_PORT={busy_port + 1} make up"):
        call_command("up")
    assert not layout.postgres.exists()


def test_a_second_start_names_the_first(layout):
    first = instance.own(layout, Kind.UP, address="http://127.0.0.1:8123")
    assert first
    try:
        with pytest.raises(
            CommandError, match=r"already running at http://127\.0\.0\.1:8123 \(process \d+\)"
        ):
            call_command("up")
    finally:
        first.release()


def test_a_command_that_uses_the_services_is_named(layout, settings):
    settings.OYL_PORT = 0
    first = instance.own(layout, Kind.COMMAND)
    assert first
    try:
        with pytest.raises(CommandError, match=r"command \(process \d+\) is using the services"):
            call_command("up")
    finally:
        first.release()


def test_the_welcome_shows_address_and_sign_in(layout, settings):
    layout.data.mkdir()
    told = '{"tenant": "Demo", "email": "admin@demo.example", "password": "a-b-c"}'
    (layout.data / "demo.json").write_text(told)
    shown = welcome(layout)
    assert f"http://127.0.0.1:{settings.OYL_PORT}/admin/" in shown
    assert "admin@demo.example" in shown
    assert "a-b-c" in shown
