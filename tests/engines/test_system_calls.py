"""The filter of system calls, for both machines: its numbers are those that the kernel publishes, and its program decides as
its table says. Only one of the machines can run it, so it is interpreted here."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engines.parsing import system_calls

MACHINES = ("x86_64", "aarch64")
PID, OTHER = 4711, 42
ALLOWED, REFUSED, ABSENT = system_calls._ALLOW, system_calls._REFUSE, system_calls._ABSENT
# First argument: permitted, refused.
BY_ARGUMENT = {
    "socket": (system_calls._AF_UNIX, 2),
    "clone": (17, 0x10000000),
    "kill": (PID, OTHER),
    "tgkill": (PID, OTHER),
    "sched_setaffinity": (0, OTHER),
    "prlimit64": (0, OTHER),
}


def published(machine: str) -> dict[str, int]:
    lines = (Path(__file__).parents[1] / "files" / "system-calls.tsv").read_text().splitlines()
    column = lines[0].split("\t").index(machine)
    rows = [line.split("\t") for line in lines[1:]]
    return {row[0]: int(row[column]) for row in rows if row[column]}


def decide(machine: str, number: int, argument: int = 0, *, architecture: int | None = None) -> int:
    """Run the filter's program as the kernel would, for one system call."""
    at, value = 0, 0
    found = architecture or system_calls._ARCHITECTURES[machine]
    data = struct.pack("<IIQQ", number, found, 0, argument)
    program = system_calls._instructions(MACHINES.index(machine), PID)
    while True:
        one = program[at]
        if one.operation == system_calls._RETURN:
            return one.operand
        if one.operation == system_calls._LOAD:
            (value,) = struct.unpack_from("<I", data, one.operand)
        else:
            matches = {
                system_calls._IF_EQUAL: value == one.operand,
                system_calls._IF_AT_LEAST: value >= one.operand,
                system_calls._IF_ANY_BIT: bool(value & one.operand),
            }[one.operation]
            at += one.if_true if matches else one.if_false
        at += 1


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_that_the_kernel_publishes(machine):
    numbers = published(machine)
    column = MACHINES.index(machine)
    for name, both in system_calls._REFUSED.items():
        assert numbers.get(name, -1) == both[column], name


@pytest.mark.parametrize("machine", MACHINES)
def test_program_refuses_exactly_what_its_table_names(machine):
    by_number = {number: name for name, number in published(machine).items()}
    refused = {by_number[number] for number in by_number if decide(machine, number, 0) == REFUSED}
    decided_by_argument = {name for name in BY_ARGUMENT if name in refused}
    assert refused - decided_by_argument == {
        name for name in system_calls._REFUSED if name in by_number.values()
    }
    assert decided_by_argument == {"socket", "kill", "tgkill"}  # whose argument 0 is a foreign one


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", BY_ARGUMENT)
def test_first_argument_decides(machine, name):
    number, (permitted, refused) = published(machine)[name], BY_ARGUMENT[name]
    assert decide(machine, number, permitted) == ALLOWED
    assert decide(machine, number, refused) == REFUSED


@pytest.mark.parametrize("machine", MACHINES)
def test_other_tables_of_numbers_are_refused(machine):
    numbers = published(machine)
    assert decide(machine, numbers["read"]) == ALLOWED
    assert decide(machine, numbers["read"] | 0x40000000) == REFUSED
    assert decide(machine, numbers["read"], architecture=0x40000003) == REFUSED
    assert decide(machine, numbers["clone3"]) == ABSENT
