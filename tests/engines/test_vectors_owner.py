"""The process that owns the embedded shards: what happens when it, or a client, is killed or misbehaves."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from engines.vectors import Filter, Mode, Point, Query, VectorStoreError, wire
from engines.vectors.edge import EdgeStore

ACME = UUID(int=0xA)
DOCUMENT, HANDBOOK = UUID(int=0x20), UUID(int=0x10)
NAME = "minilm"
PASSWORD = "a password"


@dataclass
class EdgeInstance:
    """A folder for an owner process, its socket and its data."""

    folder: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "v.sock"

    def spawn(self, *, directory: str = "data", name: str = "v.sock") -> subprocess.Popen[str]:
        path = self.folder / "run" / name
        passwords = self.folder / "passwords.json"
        passwords.write_text(json.dumps({"vectors": PASSWORD}))
        arguments = [
            "--socket",
            str(path),
            "--dir",
            str(self.folder / directory),
            "--passwords",
            str(passwords),
        ]
        command = [sys.executable, "-m", "engines.vectors.edge_process", *arguments]
        self.processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return self.processes[-1]

    def start(self) -> subprocess.Popen[str]:
        owner = self.spawn()
        deadline = time.monotonic() + 20
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(self.socket)):
                assert owner.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
        return owner


@pytest.fixture
def instance() -> Iterator[EdgeInstance]:
    folder = tempfile.mkdtemp(prefix="oyl-")  # pytest's own are too long for a socket
    instance = EdgeInstance(Path(folder))
    yield instance
    for owner in instance.processes:
        owner.kill()
        owner.communicate()
    shutil.rmtree(instance.folder)


@pytest.fixture(scope="module")
def running() -> Iterator[EdgeInstance]:
    """An owner that must still run after all tests."""
    instance = EdgeInstance(Path(tempfile.mkdtemp(prefix="oyl-")))
    owner = instance.start()
    EdgeStore(instance.socket, PASSWORD).upsert(ACME, NAME, points(1))
    yield instance
    assert owner.poll() is None
    owner.terminate()
    owner.communicate()
    shutil.rmtree(instance.folder)


def points(*numbers: int) -> list[Point]:
    return [
        Point(
            id=UUID(int=number),
            document_id=DOCUMENT,
            reference_id=HANDBOOK,
            generation=1,
            vector=(1.0, number % 7, number % 11, number % 13),
            text=f"word{number} common",
        )
        for number in numbers
    ]


def ids(store: EdgeStore) -> list[int]:
    return [stored.id.int for stored in store.scroll(ACME, NAME, Filter(), limit=100_000)]


def test_acknowledged_writes_survive_sigkill(instance: EdgeInstance) -> None:
    owner, store = instance.start(), EdgeStore(instance.socket, PASSWORD)
    acknowledged, killed = list[int](), threading.Event()

    def write() -> None:
        for start in range(1, 1_000_000, 20):
            try:
                store.upsert(ACME, NAME, points(*range(start, start + 20)))
                if start % 200 == 1:
                    store.delete(ACME, NAME, Filter(point_ids=(UUID(int=start),)))
            except VectorStoreError as error:
                assert (error.code, error.retryable) == ("vector_store_unavailable", True)
                killed.set()
                return
            acknowledged.extend(range(start + (start % 200 == 1), start + 20))

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 1500:
        time.sleep(0.01)
    owner.kill()
    writer.join(30)
    assert killed.is_set()
    instance.start()
    stored = ids(store)
    assert not set(acknowledged) - set(stored)
    assert not {number for number in stored if number % 200 == 1} & set(range(1, acknowledged[-1]))
    last = f"word{acknowledged[-1]}"
    assert len(store.search(ACME, NAME, Query(mode=Mode.SPARSE, text=last, exact=True))) == 1


def test_client_reconnects_after_a_restart(instance: EdgeInstance) -> None:
    owner, store = instance.start(), EdgeStore(instance.socket, PASSWORD)
    store.upsert(ACME, NAME, points(1, 2))
    owner.send_signal(signal.SIGTERM)
    stopped = time.monotonic()
    assert owner.wait(10) == 0
    assert time.monotonic() - stopped < 3
    assert not instance.socket.exists()
    with pytest.raises(VectorStoreError, match="is it running") as error:
        store.scroll(ACME, NAME, Filter())
    assert (error.value.code, error.value.retryable) == ("vector_store_unavailable", True)
    instance.start()
    assert ids(store) == [1, 2]


def test_many_signals_stop_it_cleanly(instance: EdgeInstance) -> None:
    owner = instance.start()
    assert owner.stderr and "Owning" in owner.stderr.readline()
    for _ in range(50):
        owner.send_signal(signal.SIGTERM)
        owner.send_signal(signal.SIGINT)
    owner.wait(timeout=20)
    assert not instance.socket.exists(), "it stopped without cleaning up"


def test_write_during_stop_succeeds_or_is_retryable(instance: EdgeInstance) -> None:
    owner, store = instance.start(), EdgeStore(instance.socket, PASSWORD)
    store.upsert(ACME, NAME, points(1))
    owner.send_signal(signal.SIGTERM)
    done = [1]
    with pytest.raises(VectorStoreError) as error:
        for number in range(2, 1_000_000):
            store.upsert(ACME, NAME, points(number))
            done.append(number)
    assert (error.value.code, error.value.retryable) == ("vector_store_unavailable", True)
    assert owner.wait(10) == 0
    instance.start()
    assert not set(done) - set(ids(store))


def test_call_on_a_dead_connection_is_retried(instance: EdgeInstance) -> None:
    owner, store = instance.start(), EdgeStore(instance.socket, PASSWORD)
    store.upsert(ACME, NAME, points(1))
    owner.kill()
    owner.wait()
    assert instance.socket.exists()  # left behind, and replaced by the next
    instance.start()
    store.upsert(ACME, NAME, points(2))
    assert ids(store) == [1, 2]


def test_timeout_is_retryable(instance: EdgeInstance) -> None:
    owner, store = instance.start(), EdgeStore(instance.socket, PASSWORD, timeout=0.2)
    owner.send_signal(signal.SIGSTOP)
    with pytest.raises(VectorStoreError, match="timed out") as error:
        store.scroll(ACME, NAME, Filter())
    assert error.value.retryable
    owner.send_signal(signal.SIGCONT)
    assert ids(store) == []


def test_second_owner_exits(instance: EdgeInstance) -> None:
    instance.start()
    same_folder = instance.spawn(name="other.sock")
    same_socket = instance.spawn(directory="other")
    assert "Another process owns the vectors" in same_folder.communicate(timeout=10)[1]
    assert "Another process listens" in same_socket.communicate(timeout=10)[1]
    assert (same_folder.returncode, same_socket.returncode) == (1, 1)
    assert ids(EdgeStore(instance.socket, PASSWORD)) == []


def test_socket_is_private_to_its_user(instance: EdgeInstance) -> None:
    instance.start()
    assert stat.S_IMODE(instance.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.socket.parent.stat().st_mode) == 0o700


def _framed(head: bytes, body: bytes = b"", magic: bytes = b"OYL1") -> bytes:
    return struct.pack("!4sII", magic, len(head), len(body)) + head + body


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00" * 64,
        struct.pack("!4sII", b"OYL1", 2**32 - 1, 2**32 - 1),
        _framed(b"{"),
        _framed(b"[]"),
        _framed(b"[" * 100_000),
        _framed(b'{"arrays": [["f", 1000000]]}', b"1234"),
        _framed(b'{"arrays": [["f", -1]]}', b"1234"),
        _framed(b'{"arrays": [["O", 1]]}', b"1234"),
        _framed(b'{"arrays": 7}'),
    ],
)
def test_garbage_closes_only_its_connection(running: EdgeInstance, garbage: bytes) -> None:
    store = EdgeStore(running.socket, PASSWORD)
    assert ids(store) == [1]
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(running.socket))
        wire.send_password(client, PASSWORD)
        client.sendall(garbage)
        with pytest.raises((EOFError, ConnectionResetError)):
            wire.receive(client, timeout=5)
    assert ids(store) == [1]


@pytest.mark.parametrize("password", ["", "a passwort"])
def test_connection_without_the_password_is_closed_unread(running: EdgeInstance, password: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(running.socket))
        wire.send_password(client, password)
        with pytest.raises((EOFError, ConnectionResetError, BrokenPipeError)):
            wire.send(client, {"operation": "scroll", "collection": NAME, "filter": {}})
            wire.receive(client, timeout=5)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"operation": "drop", "collection": NAME},
        {"operation": "upsert", "collection": NAME, "ids": [], "payloads": [], "repeats": [], "own": {}},
        {"operation": "upsert", "collection": NAME, "ids": ["x"], "payloads": [7], "repeats": [1], "own": 3},
        {"operation": "query", "collection": NAME, "components": [{"using": "dense"}]},
        {"operation": "query", "collection": "../x", "components": []},
        {"operation": "delete", "collection": NAME, "filter": {"must": [{"nested": 1}], "must_not": []}},
        {"operation": "scroll", "collection": NAME, "filter": None},
    ],
)
def test_malformed_request_is_refused_on_an_open_connection(
    running: EdgeInstance, header: dict[str, object]
) -> None:
    store = EdgeStore(running.socket, PASSWORD)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(running.socket))
        wire.send_password(client, PASSWORD)
        for _ in range(2):
            wire.send(client, header, [np.ones(4, np.float32), np.ones(1, np.uint32)])
            answer = wire.receive(client, timeout=5).header["error"]
            assert answer["code"] in ("vector_store_rejected", "invalid_collection")
    assert ids(store) == [1]


def test_client_dying_in_a_message_harms_no_other(instance: EdgeInstance) -> None:
    instance.start()
    store = EdgeStore(instance.socket, PASSWORD)
    with socket.socket(socket.AF_UNIX) as dying:
        dying.connect(str(instance.socket))
        dying.sendall(_framed(b"{" * 1000)[:500])
        store.upsert(ACME, NAME, points(1))
    assert ids(store) == [1]


def test_message_over_the_limit_is_not_sent(instance: EdgeInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    instance.start()
    monkeypatch.setattr(wire, "MAX_BYTES", 1000)
    with pytest.raises(VectorStoreError, match="over the limit") as error:
        EdgeStore(instance.socket, PASSWORD).upsert(ACME, NAME, points(*range(100)))
    assert not error.value.retryable


def test_damage_affects_only_its_collection(instance: EdgeInstance) -> None:
    owner, store = instance.start(), EdgeStore(instance.socket, PASSWORD)
    store.upsert(ACME, NAME, points(1))
    owner.terminate()
    assert owner.wait(10) == 0
    (instance.folder / "data" / NAME / "current.json").write_text("{")
    instance.start()
    with pytest.raises(VectorStoreError, match="reconcile --repair") as error:
        ids(store)
    assert (error.value.code, error.value.retryable) == ("vector_store_damaged", False)
    store.upsert(ACME, "other", points(2))


def test_store_is_thread_safe(instance: EdgeInstance) -> None:
    instance.start()
    store = EdgeStore(instance.socket, PASSWORD)
    failures = list[BaseException]()

    def work(number: int) -> None:
        try:
            for step in range(10):
                point_id = number * 100 + step
                store.upsert(ACME, NAME, points(point_id))
                hits = store.search(ACME, NAME, Query(mode=Mode.SPARSE, text=f"word{point_id}", exact=True))
                assert [hit.point_id.int for hit in hits] == [point_id]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(ids(store)) == 80


def test_owner_does_not_import_django() -> None:
    code = "import sys, engines.vectors.edge_process; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
