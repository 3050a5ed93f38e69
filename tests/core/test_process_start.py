"""Every process of OYL protects its memory and its files, and has the telemetry of libraries switched off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.process_start import OFFLINE_ENVIRONMENT

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534
AS_ORDINARY_USER = f"import os; os.geteuid() or (os.setgid({NOBODY}), os.setuid({NOBODY}))"
PR_SET_DUMPABLE = 4  # setuid has the kernel forget it
HOLD_A_SECRET = f"""
import ctypes
from core.process_start import prepare_process
{AS_ORDINARY_USER}
prepare_process() if PREPARED else ctypes.CDLL(None).prctl({PR_SET_DUMPABLE}, 1)
print(os.getpid(), flush=True)
input()
"""
READ_THE_SECRET = AS_ORDINARY_USER + "; print(open(f'/proc/{PID}/environ').read())"


def python(code: str, **environment: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


@pytest.mark.parametrize("prepared", [True, False])
def test_no_other_process_of_the_user_reads_the_environment(prepared: bool) -> None:
    with python(f"PREPARED = {prepared}\n{HOLD_A_SECRET}", OYL_AUDIT_KEY="the-secret") as holder:
        assert holder.stdout
        pid = holder.stdout.readline().strip()
        reader = python(f"PID = {pid}\n{READ_THE_SECRET}")
        output, error = reader.communicate()
        holder.communicate("\n")
    assert ("the-secret" in output, "PermissionError" in error) == (not prepared, prepared)


@pytest.mark.parametrize("first_import", ["oyl", "oyl.settings", "oyl.celery"])
def test_the_project_prepares_its_processes(first_import: str) -> None:
    code = f"import {first_import}, os; print(*(os.environ[name] for name in {[*OFFLINE_ENVIRONMENT]}), oct(os.umask(0)))"
    output, error = python(code, **dict.fromkeys(OFFLINE_ENVIRONMENT, "0")).communicate()
    assert output.split() == [*OFFLINE_ENVIRONMENT.values(), "0o77"], error


def main_modules() -> list[Path]:
    """The modules of OYL that are programs."""
    packages = [
        folder.parent
        for folder in ROOT.glob("*/__init__.py")
        if folder.parent.name not in ("tests", "benchmarks")
    ]
    return [path for package in packages for path in package.rglob("*.py") if "__main__" in path.read_text()]


@pytest.mark.parametrize("path", main_modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_program_prepares_its_process(path: Path) -> None:
    # Python imports the package before the module, so programs of `oyl` need no call of their own.
    assert path.relative_to(ROOT).parts[0] == "oyl" or "    prepare_process()" in path.read_text()
