"""Hostile files do no harm: each ends, soon and with a reason, and costs nobody else anything."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import quantiles

import pytest
from django.conf import settings

from benchmarks.reports import Row
from core.error_codes import ERROR_CODES
from tests.conftest import make_owner
from tests.knowledge.libraries import make_library
from tests.proof.conftest import Report, Size
from tests.proof.hostile import corpus, watch
from tests.proof.hostile.corpus import DATA
from tests.proof.hostile.trial import Trial, hold

SEED = 2026
TENANTS = 2
MOST_SECONDS, MOST_DELAY_SECONDS = 60, 10
MOST_GROWTH_MB, MOST_MB = 50, 600
# Defects of ours or the machine's: no file may lead to them.
NOT_THE_FILES = {"internal_error", "worker_died", "parser_unavailable", "parse_interrupted", "disk_full"}
# What a sentence for people has not: classes, modules, paths, addresses, markup, remarks in brackets.
UNPLAIN = re.compile(
    r"Traceback|\w(Error|Exception)\b|(/[\w.-]+){2,}|0x[\da-f]+|[<>{}\[\]()\n]|\b\w+\.[a-z_]+"
)


def test_hostile_files_do_no_harm(database: None, size: Size, report: Report, tmp_path: Path) -> None:
    is_long = bool(size(0, 1))
    if is_long and not DATA.is_dir():
        pytest.skip(f"needs {DATA}")
    libraries = [make_library(make_owner(), tmp_path / str(number)) for number in range(TENANTS)]
    files = partial(corpus.specimens, size(25, 2000), SEED, with_data=is_long)
    trial = hold(libraries, corpus.honest(size(1_000, 60_000)), files)
    print(figures(trial))  # shown where a promise is broken
    each_file_ends_in_time(trial)
    a_clean_file_behind_it_is_not_held_up(trial)
    every_reason_is_documented_and_the_files_own(trial)
    every_reason_is_a_plain_sentence(trial)
    the_worker_lives_on_and_does_not_grow(trial)
    nothing_is_left(trial)
    nobody_is_called(trial)
    report("hostile", figures(trial))


def each_file_ends_in_time(trial: Trial) -> None:
    assert {one.name: one.seconds for one in trial.outcomes if one.seconds > MOST_SECONDS} == {}


def a_clean_file_behind_it_is_not_held_up(trial: Trial) -> None:
    assert {one.name: one.delay for one in trial.outcomes if one.delay > MOST_DELAY_SECONDS} == {}


def every_reason_is_documented_and_the_files_own(trial: Trial) -> None:
    told = {code for code, _ in trial.errors}
    assert (
        told <= set(ERROR_CODES) - NOT_THE_FILES
    )  # all codes are in docs/pipeline.md: tests/meta sees to that


def every_reason_is_a_plain_sentence(trial: Trial) -> None:
    sentences = {detail for _, detail in trial.errors}
    assert {one for one in sentences if UNPLAIN.search(one) or not re.match(r"[A-Z].*\.$", one)} == set()


def the_worker_lives_on_and_does_not_grow(trial: Trial) -> None:
    assert trial.is_same_worker
    assert trial.growth_mb <= MOST_GROWTH_MB
    assert trial.seen.parser_mb <= settings.PARSER_MEMORY_MB


def nothing_is_left(trial: Trial) -> None:
    assert [*trial.stray_files, *trial.stray_processes] == []


def nobody_is_called(trial: Trial) -> None:
    assert trial.seen.parsers
    assert (trial.calls, trial.seen.packets) == (0, 0)
    assert not trial.seen.shared or not watch.may_have_networks()


def figures(trial: Trial) -> list[Row]:
    seconds = [one.seconds for one in trial.outcomes]
    refused = Counter(one.code for one in trial.outcomes if one.code)
    slowest = max(trial.outcomes, key=lambda one: one.seconds)
    delays = [one.delay for one in trial.outcomes]
    rows = [
        ("Files tried", len(trial.outcomes), ""),
        ("Read", len(trial.outcomes) - refused.total(), ""),
        *((f"Refused with `{code}`", number, "") for code, number in refused.most_common()),
        ("Neither read nor refused", 0, "0"),
        ("From upload to end, 99th percentile", f"{quantiles(seconds, n=100)[98]:.1f} s", ""),
        (f"From upload to end, slowest ({slowest.name})", f"{slowest.seconds:.1f} s", f"{MOST_SECONDS} s"),
        (
            "A clean file behind it is done later by at most",
            f"{max(delays):.1f} s",
            f"{MOST_DELAY_SECONDS} s",
        ),
        ("Worker's memory, growth over the run", f"{trial.growth_mb} MB", f"{MOST_GROWTH_MB} MB"),
        ("Worker's memory, highest", f"{trial.seen.worker_mb} MB", ""),
        (
            "A parser process's memory, highest",
            f"{trial.seen.parser_mb} MB",
            f"{settings.PARSER_MEMORY_MB} MB",
        ),
        ("Worker and parser processes together, highest", f"{trial.seen.tree_mb} MB", ""),
        ("Parser processes started", len(trial.seen.parsers), ""),
        ("Files left elsewhere", len(trial.stray_files), "0"),
        ("Processes left", len(trial.stray_processes), "0"),
        ("Packets in the parsers' networks", trial.seen.packets, "0"),
        ("Calls to the address the files name", trial.calls, "0"),
    ]
    return [{"What": what, "Measured": measured, "Target": target} for what, measured, target in rows]
