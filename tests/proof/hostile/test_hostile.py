"""Hostile files are parsed or refused in time, and do not affect the worker or other files."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import quantiles

from django.conf import settings

from benchmarks.reports import Row
from core.error_codes import ERROR_CODES
from tests.conftest import make_owner
from tests.knowledge.libraries import make_library
from tests.proof.conftest import Report, Size
from tests.proof.hostile import corpus, watch
from tests.proof.hostile.corpus import DATA
from tests.proof.hostile.trial import Trial, run_trial
from tests.support.jobs import postpone_due_jobs

SEED = 2026
TENANTS = 2
MAX_SECONDS, MAX_DELAY_SECONDS = 60, 10
MAX_GROWTH_MB = 50
# Faults of OYL or of the machine, which no file may cause.
INTERNAL_CODES = {"internal_error", "worker_died", "parser_unavailable", "parse_interrupted", "disk_full"}
# What a message for users must not contain: classes, modules, paths, addresses, markup, brackets.
TECHNICAL = re.compile(
    r"Traceback|\w(Error|Exception)\b|(/[\w.-]+){2,}|0x[\da-f]+|[<>{}\[\]()\n]|\b\w+\.[a-z_]+"
)


def test_hostile_files_do_no_harm(database: None, size: Size, report: Report, tmp_path: Path) -> None:
    is_long = bool(size(0, 1))
    assert DATA.is_dir() or not is_long, f"a long run needs {DATA}"
    libraries = [make_library(make_owner(), tmp_path / str(number)) for number in range(TENANTS)]
    postpone_due_jobs()
    files = partial(corpus.specimens, size(25, 2000), SEED, with_data=is_long)
    trial = run_trial(libraries, corpus.benign(size(1_000, 60_000)), files)
    print(figures(trial))  # shown if an assertion fails
    check_durations(trial)
    check_delays_of_clean_files(trial)
    check_error_codes(trial)
    check_error_details(trial)
    check_worker(trial)
    check_nothing_is_left(trial)
    check_network(trial)
    report("hostile", figures(trial))


def check_durations(trial: Trial) -> None:
    assert {one.name: one.seconds for one in trial.outcomes if one.seconds > MAX_SECONDS} == {}


def check_delays_of_clean_files(trial: Trial) -> None:
    assert {one.name: one.delay for one in trial.outcomes if one.delay > MAX_DELAY_SECONDS} == {}


def check_error_codes(trial: Trial) -> None:
    codes = {code for code, _ in trial.errors}
    assert codes <= set(ERROR_CODES) - INTERNAL_CODES


def check_error_details(trial: Trial) -> None:
    details = {detail for _, detail in trial.errors}
    assert {one for one in details if TECHNICAL.search(one) or not re.match(r"[A-Z].*\.$", one)} == set()


def check_worker(trial: Trial) -> None:
    assert trial.is_same_worker
    assert trial.growth_mb <= MAX_GROWTH_MB
    assert trial.observed.parser_mb <= settings.PARSER_MEMORY_MB


def check_nothing_is_left(trial: Trial) -> None:
    assert [*trial.stray_files, *trial.stray_processes] == []


def check_network(trial: Trial) -> None:
    assert trial.observed.parsers
    assert (trial.calls, trial.observed.packets) == (0, 0)
    assert not trial.observed.sharing_network or not watch.can_unshare_network()


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
        (f"From upload to end, slowest ({slowest.name})", f"{slowest.seconds:.1f} s", f"{MAX_SECONDS} s"),
        (
            "A clean file behind it is done later by at most",
            f"{max(delays):.1f} s",
            f"{MAX_DELAY_SECONDS} s",
        ),
        ("Worker's memory, growth over the run", f"{trial.growth_mb} MB", f"{MAX_GROWTH_MB} MB"),
        ("Worker's memory, highest", f"{trial.observed.worker_mb} MB", ""),
        (
            "A parser process's memory, highest",
            f"{trial.observed.parser_mb} MB",
            f"{settings.PARSER_MEMORY_MB} MB",
        ),
        ("Worker and parser processes together, highest", f"{trial.observed.tree_mb} MB", ""),
        ("Parser processes started", len(trial.observed.parsers), ""),
        ("Files left elsewhere", len(trial.stray_files), "0"),
        ("Processes left", len(trial.stray_processes), "0"),
        ("Packets in the parsers' networks", trial.observed.packets, "0"),
        ("Calls to the address the files name", trial.calls, "0"),
    ]
    return [{"What": what, "Measured": measured, "Target": target} for what, measured, target in rows]
