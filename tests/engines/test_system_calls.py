"""The filter of system calls, for both machines: its numbers are those that the kernel publishes, and its program decides as
its lists say. Only one of the machines can run it, so it is interpreted here."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engines.parsing import system_calls
from engines.parsing.system_call_numbers import ALLOWED, CHOICES, CLONE, SIGNALS, STARTING

MACHINES = ("x86_64", "aarch64")
PID = 4711
FIRST_UNPUBLISHED = 451  # the file is of Linux 6.1; later calls have one number on all machines
BY_ARGUMENT = {**{name: choice.numbers for name, choice in CHOICES.items()}, **SIGNALS, "clone": CLONE}


def published(machine: str) -> dict[str, int]:
    lines = (Path(__file__).parents[1] / "files" / "system-calls.tsv").read_text().splitlines()
    column = lines[0].split("\t").index(machine)
    rows = [line.split("\t") for line in lines[1:]]
    return {row[0]: int(row[column]) for row in rows if row[column]}


def decide(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Run the filter's program as the kernel would, for one system call."""
    at = value = 0
    found = architecture or system_calls._ARCHITECTURES[machine]
    data = struct.pack("<IIQ6Q", number, found, 0, *arguments, *[0] * (6 - len(arguments)))
    program = system_calls._instructions(MACHINES.index(machine), PID, may_start_programs=True)
    while True:
        one = program[at]
        if one.operation == system_calls._RETURN:
            return one.operand
        if one.operation == system_calls._LOAD:
            (value,) = struct.unpack_from("<I", data, one.operand)
        elif one.operation == system_calls._AND:
            value &= one.operand
        else:
            at += one.if_true if value == one.operand else one.if_false
        at += 1


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_that_the_kernel_publishes(machine):
    numbers, column = published(machine), MACHINES.index(machine)
    for name, both in {**ALLOWED, **STARTING, **BY_ARGUMENT}.items():
        if min(both) < FIRST_UNPUBLISHED:
            assert numbers.get(name, -1) == both[column], name
        else:
            assert both[0] == both[1] and name not in numbers, name


@pytest.mark.parametrize("machine", MACHINES)
def test_program_allows_exactly_what_its_lists_name(machine):
    numbers = published(machine)
    found = {name for name, number in numbers.items() if decide(machine, number) == system_calls._ALLOW}
    assert found - BY_ARGUMENT.keys() == {name for name in ALLOWED | STARTING if name in numbers}
    others = numbers.keys() - ALLOWED.keys() - STARTING.keys() - BY_ARGUMENT.keys()
    assert {decide(machine, numbers[name]) for name in others} == {system_calls._ABSENT}


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_decide(machine):
    numbers = published(machine)
    for name, choice in CHOICES.items():
        if name not in numbers:
            continue
        given = {
            value: decide(machine, numbers[name], *[0] * choice.argument, value) for value in choice.values
        }
        assert set(given.values()) == {system_calls._ALLOW}, name
    for name in SIGNALS:
        assert decide(machine, numbers[name], PID) == system_calls._ALLOW
        assert decide(machine, numbers[name], PID + 1) == system_calls._REFUSE
    assert decide(machine, numbers["clone"], 17) == system_calls._ALLOW
    assert decide(machine, numbers["clone"], 0x10000000) == system_calls._REFUSE


@pytest.mark.parametrize("machine", MACHINES)
def test_other_tables_of_numbers_are_refused(machine):
    read = published(machine)["read"]
    assert decide(machine, read) == system_calls._ALLOW
    assert decide(machine, read | 0x40000000) == system_calls._ABSENT
    assert decide(machine, read, architecture=0x40000003) == system_calls._ABSENT
