"""The process that owns the embedded shards: its promises when it, or a client, is killed or misbehaves."""

from __future__ import annotations

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


@dataclass
class Place:
    """A folder with room for one owner."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "v.sock"

    def spawn(self, *, directory: str = "data", name: str = "v.sock") -> subprocess.Popen[str]:
        path = self.folder / "run" / name
        arguments = ["--socket", str(path), "--dir", str(self.folder / directory)]
        command = [sys.executable, "-m", "engines.vectors.edge_process", *arguments]
        self.started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return self.started[-1]

    def start(self) -> subprocess.Popen[str]:
        owner = self.spawn()
        deadline = time.monotonic() + 20
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(self.socket)):
                assert owner.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
        return owner


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place(Path(tempfile.mkdtemp(prefix="oyl-")))  # pytest's own are too long for a socket
    yield place
    for owner in place.started:
        owner.kill()
        owner.communicate()
    shutil.rmtree(place.folder)


@pytest.fixture(scope="module")
def running() -> Iterator[Place]:
    """An owner that must outlive all that is done to it."""
    place = Place(Path(tempfile.mkdtemp(prefix="oyl-")))
    owner = place.start()
    EdgeStore(place.socket).upsert(ACME, NAME, points(1))
    yield place
    assert owner.poll() is None
    owner.terminate()
    owner.communicate()
    shutil.rmtree(place.folder)


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


def test_acknowledged_writes_survive_a_kill(place: Place) -> None:
    owner, store = place.start(), EdgeStore(place.socket)
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
    place.start()
    kept = ids(store)
    assert not set(acknowledged) - set(kept)
    assert not {number for number in kept if number % 200 == 1} & set(range(1, acknowledged[-1]))
    last = f"word{acknowledged[-1]}"
    assert len(store.search(ACME, NAME, Query(mode=Mode.SPARSE, text=last))) == 1


def test_a_client_goes_on_after_a_restart(place: Place) -> None:
    owner, store = place.start(), EdgeStore(place.socket)
    store.upsert(ACME, NAME, points(1, 2))
    owner.send_signal(signal.SIGTERM)
    stopped = time.monotonic()
    assert owner.wait(10) == 0
    assert time.monotonic() - stopped < 3
    assert not place.socket.exists()
    with pytest.raises(VectorStoreError, match="is it running") as error:
        store.scroll(ACME, NAME, Filter())
    assert (error.value.code, error.value.retryable) == ("vector_store_unavailable", True)
    place.start()
    assert ids(store) == [1, 2]


def test_many_signals_stop_it_as_one_does(place: Place) -> None:
    owner = place.start()
    assert owner.stderr and "Owning" in owner.stderr.readline()
    for _ in range(50):
        owner.send_signal(signal.SIGTERM)
        owner.send_signal(signal.SIGINT)
    owner.wait(timeout=20)
    assert not place.socket.exists(), "it was given the time to stop in good order"


def test_a_write_during_a_stop_is_done_or_worth_a_retry(place: Place) -> None:
    owner, store = place.start(), EdgeStore(place.socket)
    store.upsert(ACME, NAME, points(1))
    owner.send_signal(signal.SIGTERM)
    done = [1]
    with pytest.raises(VectorStoreError) as error:
        for number in range(2, 1_000_000):
            store.upsert(ACME, NAME, points(number))
            done.append(number)
    assert (error.value.code, error.value.retryable) == ("vector_store_unavailable", True)
    assert owner.wait(10) == 0
    place.start()
    assert not set(done) - set(ids(store))


def test_a_call_on_a_dead_connection_is_repeated(place: Place) -> None:
    owner, store = place.start(), EdgeStore(place.socket)
    store.upsert(ACME, NAME, points(1))
    owner.kill()
    owner.wait()
    assert place.socket.exists()  # left behind, and replaced by the next
    place.start()
    store.upsert(ACME, NAME, points(2))
    assert ids(store) == [1, 2]


def test_a_silent_owner_is_worth_a_retry(place: Place) -> None:
    owner, store = place.start(), EdgeStore(place.socket, timeout=0.2)
    owner.send_signal(signal.SIGSTOP)
    with pytest.raises(VectorStoreError, match="timed out") as error:
        store.scroll(ACME, NAME, Filter())
    assert error.value.retryable
    owner.send_signal(signal.SIGCONT)
    assert ids(store) == []


def test_a_second_owner_is_turned_away(place: Place) -> None:
    place.start()
    same_folder = place.spawn(name="other.sock")
    same_socket = place.spawn(directory="other")
    assert "Another process owns the vectors" in same_folder.communicate(timeout=10)[1]
    assert "Another process listens" in same_socket.communicate(timeout=10)[1]
    assert (same_folder.returncode, same_socket.returncode) == (1, 1)
    assert ids(EdgeStore(place.socket)) == []


def test_only_its_user_can_open_the_socket(place: Place) -> None:
    place.start()
    assert stat.S_IMODE(place.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.socket.parent.stat().st_mode) == 0o700


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
def test_garbage_closes_its_own_connection_only(running: Place, garbage: bytes) -> None:
    store = EdgeStore(running.socket)
    assert ids(store) == [1]
    with socket.socket(socket.AF_UNIX) as rude:
        rude.settimeout(5)
        rude.connect(str(running.socket))
        rude.sendall(garbage)
        with pytest.raises((EOFError, ConnectionResetError)):
            wire.receive(rude, timeout=5)
    assert ids(store) == [1]


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
def test_a_malformed_request_is_refused_and_the_connection_goes_on(
    running: Place, header: dict[str, object]
) -> None:
    store = EdgeStore(running.socket)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(running.socket))
        for _ in range(2):
            wire.send(client, header, [np.ones(4, np.float32), np.ones(1, np.uint32)])
            answer = wire.receive(client, timeout=5).header["error"]
            assert answer["code"] in ("vector_store_rejected", "invalid_collection")
    assert ids(store) == [1]


def test_a_client_that_dies_in_a_message_harms_nobody(place: Place) -> None:
    place.start()
    store = EdgeStore(place.socket)
    with socket.socket(socket.AF_UNIX) as dying:
        dying.connect(str(place.socket))
        dying.sendall(_framed(b"{" * 1000)[:500])
        store.upsert(ACME, NAME, points(1))
    assert ids(store) == [1]


def test_a_message_over_the_limit_is_not_sent(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.start()
    monkeypatch.setattr(wire, "MAX_BYTES", 1000)
    with pytest.raises(VectorStoreError, match="over the limit") as error:
        EdgeStore(place.socket).upsert(ACME, NAME, points(*range(100)))
    assert not error.value.retryable


def test_damage_is_named_and_stays_in_its_collection(place: Place) -> None:
    owner, store = place.start(), EdgeStore(place.socket)
    store.upsert(ACME, NAME, points(1))
    owner.terminate()
    assert owner.wait(10) == 0
    (place.folder / "data" / NAME / "current.json").write_text("{")
    place.start()
    with pytest.raises(VectorStoreError, match="reconcile --repair") as error:
        ids(store)
    assert (error.value.code, error.value.retryable) == ("vector_store_damaged", False)
    store.upsert(ACME, "other", points(2))


def test_many_threads_share_a_store(place: Place) -> None:
    place.start()
    store = EdgeStore(place.socket)
    failures = list[BaseException]()

    def work(number: int) -> None:
        try:
            for step in range(10):
                mine = number * 100 + step
                store.upsert(ACME, NAME, points(mine))
                found = store.search(ACME, NAME, Query(mode=Mode.SPARSE, text=f"word{mine}"))
                assert [hit.point_id.int for hit in found] == [mine]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(ids(store)) == 80


def test_the_owner_needs_no_django() -> None:
    code = "import sys, engines.vectors.edge_process; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
