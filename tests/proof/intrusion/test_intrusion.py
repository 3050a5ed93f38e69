"""Code that a hostile file brings to run in a parser gets nothing, and leaves nothing: with all layers of the sandbox, and
with each of them taken away."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from django.test import override_settings

from benchmarks.reports import Row
from engines.parsing import ParseError, job
from engines.parsing.process_pool import PooledParser
from knowledge.engine_config import parser_config
from oyl.embedded import up
from oyl.embedded.errors import ServiceError
from oyl.embedded.service_log import ServiceLog
from tests.proof.conftest import Report
from tests.proof.intrusion.attacks import ATTACKS
from tests.proof.intrusion.conftest import LIMITS, intruder, kernel
from tests.proof.intrusion.machine import MARK

# What remains open without a layer (docs/threat-model.md): everything else is still refused by the others.
READING = {
    "read secrets",
    "read another tenants file",
    "read through a link",
    "list the data folder",
}
WRITING = {
    "write into the data folder",
    "write into the models",
    "write into the environment",
    "write into the code",
    "write into the shared temporary folder",
    "remove another tenants file",
}
BESIDE_THE_CONTENT = {
    "change a mode",
    "change a mode by a new call",
    "change a mode by a handle",
    "change an owner",
    "change the times",
    "set an attribute",
    "set an attribute by a new call",
    "set flags of a file",
}
SIGNALS = {
    "signal the worker by a pipe",
    "signal the worker by a thread",
    "signal the worker by a socket",
    "signal the workers group by a socket",
}
ON_THE_KERNEL = {
    "watch a folder",
    "watch a file system",
    "be told who changes a folder",
    "be told who opens a file",
    "choose the signal of a pipe",
    "open a netlink socket",
    "open a packet socket",
    "open a vsock socket",
    "send a datagram",
    "make a user namespace",
    "fork into a user namespace",
    "change the root folder",
    "set up io uring",
    "load a bpf program",
    "count performance events",
    "handle page faults",
    "join a keyring",
    "make a call that is not listed",
    "use the other abi",
    "use the other architecture",
    "keep memory beyond the limit",
    "keep shared memory",
}
ON_PROCESSES = SIGNALS | {"limit the worker", "slow down the worker"}
OPEN_WITHOUT: dict[str, set[str]] = {
    "": set(),
    "landlock": READING,
    "seccomp": ON_THE_KERNEL,
    "namespaces": set(),
    "later-landlock namespaces": set(),
    "later-landlock": set(),
    "landlock namespaces": READING | WRITING,
    "seccomp namespaces": ON_THE_KERNEL | BESIDE_THE_CONTENT | ON_PROCESSES,
    "landlock seccomp": READING | ON_THE_KERNEL | {"connect to an abstract socket", "mount a file system"},
}
SHORT_MODES = ["", "landlock", "seccomp", "namespaces", "later-landlock namespaces"]
NOT_AGAINST_ROOT = {"fork without end"}  # the kernel limits the number of all users' processes but root's


@pytest.fixture(scope="module")
def measured(report: Report) -> Iterator[list[Row]]:
    rows: list[Row] = []
    yield rows
    report("intrusion", rows)


def wait_for_survivors() -> list[psutil.Process]:
    """Those that are still alive after a while: what a file has started is ended when its answer has been read."""
    deadline = time.monotonic() + 5
    while (found := survivors()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def survivors() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if process.name() == "oyl-survivor" and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def modes(config: pytest.Config) -> list[str]:
    return list(OPEN_WITHOUT) if config.getoption("--long") else SHORT_MODES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "without" in metafunc.fixturenames:
        metafunc.parametrize("without", modes(metafunc.config))


def test_attacks_are_refused_but_for_those_that_the_missing_layer_leaves_open(targets, without, measured):
    with intruder(targets, without=without) as hostile:
        found = hostile.read("all")
        assert wait_for_survivors() == []
    assert found.keys() == ATTACKS.keys()
    exempt = NOT_AGAINST_ROOT if os.geteuid() == 0 else set()
    succeeded = {name: got for name, got in found.items() if got and name not in exempt}
    assert succeeded.keys() <= OPEN_WITHOUT[without], succeeded
    measured.append(
        {
            "What": f"attacks from inside the parser, {f'without {without}' if without else 'with all layers'}: refused",
            "Measured": f"{len(ATTACKS) - len(succeeded)} of {len(ATTACKS)}",
            "Target": "all" if not without else "",
        }
    )


def test_nothing_is_parsed_where_the_required_layers_are_missing(targets, tmp_path, caplog):
    """And `up` does not start."""
    with kernel(without="landlock"), override_settings(PARSER_SANDBOX="required"):
        parser = PooledParser(parser_config())
        with pytest.raises(ParseError) as caught:
            parser.parse(uuid4(), tmp_path, filename="a.txt", workdir=tmp_path)
        with pytest.raises(ServiceError, match="does not permit Landlock"):
            up._check_sandbox(ServiceLog(tmp_path))
    assert caught.value.code == "parser_unavailable"
    assert "this kernel lacks Landlock" in caplog.text


def test_up_warns_of_missing_layers(targets, tmp_path):
    console = StringIO()
    service_log = ServiceLog(tmp_path, console)
    with kernel(without="landlock"):
        up._check_sandbox(service_log)
    service_log.close()
    assert "WARNING" in console.getvalue() and "does not permit Landlock" in console.getvalue()


@pytest.mark.parametrize("removed", [False, True])
def test_disk_is_not_filled(targets, removed):
    with intruder(targets) as hostile, pytest.raises(ParseError) as caught:
        hostile.send("fill", removed=removed)
    assert caught.value.code == "unpacks_too_large"


def test_folder_on_the_disk_is_not_filled_either(targets):
    with intruder(targets, without="namespaces") as hostile, pytest.raises(ParseError) as caught:
        hostile.send("fill", removed=False, too_many_mb=3_000)
    assert caught.value.code == "unpacks_too_large"


def test_ignored_signals_do_not_lengthen_the_time(targets):
    started = time.monotonic()
    with intruder(targets, limits=replace(LIMITS, seconds=1)) as hostile:
        with pytest.raises(ParseError) as caught:
            hostile.send("spin")
        assert not hostile.parser.is_alive()
    assert caught.value.code == "parse_timeout"
    assert time.monotonic() - started < 30


def test_only_readers_that_need_it_may_start_processes(targets):
    with intruder(targets) as hostile, pytest.raises(ParseError) as caught:
        hostile.send("fork", filename="hostile.txt")
    assert caught.value.code == "corrupt_file"


@pytest.mark.parametrize("layers", ["", "namespaces"])
def test_memory_of_all_processes_of_a_file_is_limited(targets, layers):
    started = time.monotonic()
    with intruder(targets, without=layers, limits=replace(LIMITS, memory_mb=600)) as hostile:
        with pytest.raises(ParseError) as caught:
            hostile.send("multiply", processes=4, mb=200)
        assert hostile.read("look")["files"] == []
    assert caught.value.code == "parse_memory"
    assert time.monotonic() - started < LIMITS.seconds


def test_pages_do_not_lengthen_the_time_of_a_text(targets):
    with (
        intruder(targets, limits=replace(LIMITS, ocr_pages=9)) as hostile,
        pytest.raises(ParseError) as caught,
    ):
        hostile.send("pages", pages=9)
    assert caught.value.code == "parse_crash"


def test_pages_lengthen_the_time_of_a_scan_within_a_total(targets, monkeypatch):
    monkeypatch.setattr(job, "_SECONDS_PER_PAGE", 0)
    monkeypatch.setattr(job, "WALL_FACTOR", 1)
    limits = replace(LIMITS, seconds=1, ocr_pages=9)
    with intruder(targets, limits=limits) as hostile, pytest.raises(ParseError) as caught:
        hostile.send("pages", pages=9, start="%PDF-")
    assert caught.value.code == "parse_timeout"


def test_forged_path_becomes_a_name(targets):
    with intruder(targets) as hostile:
        (member,) = hostile.send("forge", kind="path").members
    assert member.name == "secrets.json"
    assert member.path.parent.name == "members"
    assert Path(targets["secrets"]).read_text() == "a secret"


def test_endless_answer_ends_at_the_limit(targets):
    with intruder(targets) as hostile, pytest.raises(ParseError) as caught:
        hostile.send("forge", kind="endless")
    assert caught.value.code == "unpacks_too_large"


def test_member_that_is_a_link_brings_nothing(targets):
    with intruder(targets) as hostile, pytest.raises(ParseError) as caught:
        hostile.send("link")
    assert caught.value.code == "parse_crash"


def test_seed_of_hashes_differs_between_warm_processes(targets):
    with intruder(targets) as one, intruder(targets) as other:
        assert one.read("look")["hash"] != other.read("look")["hash"]


def test_next_file_is_not_infected(targets):
    with intruder(targets) as hostile:
        first = hostile.read("infect")
        second = hostile.read("look")
    assert second["pid"] != first["pid"]
    assert MARK not in second["found"]
    assert second["files"] == []
