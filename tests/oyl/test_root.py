"""Root's processes continue as an ordinary user, and nothing else of root's is given away.

`conftest.py` leaves this file out for other users."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

SHOW = """
import os
from oyl.user import leave_root
leave_root()
with open("/proc/self/status") as status:
    print("".join(line for line in status if line.startswith(("Cap", "NoNew"))), os.getresuid(), os.getgroups())
try:
    os.setuid(0)
except PermissionError:
    print("no way back")
"""


def run(data: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "OYL_ALLOW_ROOT": "false", "OYL_DATA_DIR": str(data), **environment}
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )


def test_process_of_root_continues_as_another_user_without_any_privilege(tmp_path):
    shown = run(tmp_path / "data", "-c", SHOW).stdout
    assert shown.count("0000000000000000") == 5
    assert "NoNewPrivs:\t1" in shown and "no way back" in shown
    assert "(0," not in shown and "[]" in shown
    assert (tmp_path / "data").stat().st_uid != 0


def test_process_of_root_stays_root_where_that_is_allowed(tmp_path):
    shown = run(tmp_path / "data", "-c", SHOW, OYL_ALLOW_ROOT="true").stdout
    assert "(0, 0, 0)" in shown
    assert not (tmp_path / "data").exists()


def test_celery_started_by_root_is_refused(tmp_path):
    for signal in ("beat_init", "worker_init"):
        start = f"import oyl, celery.signals; celery.signals.{signal}.send(None)"
        ended = run(tmp_path / "data", "-c", start)
        assert ended.returncode != 0
        assert "OYL does not run as root" in ended.stderr


def test_folder_of_something_else_is_not_handed_over(tmp_path):
    (tmp_path / "report.txt").write_text("of root")
    ended = run(tmp_path, "-c", SHOW)
    assert ended.returncode != 0
    assert "is no data folder of OYL" in ended.stderr
    assert tmp_path.stat().st_uid == (tmp_path / "report.txt").stat().st_uid == 0


def test_only_what_is_in_the_folder_alone_is_handed_over(tmp_path):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    (data / "files" / "tenant").mkdir(parents=True)
    for path in (data / "secrets.json", data / "files" / "tenant" / "a", elsewhere):
        path.write_text("of root")
    (data / "hard").hardlink_to(elsewhere)
    (data / "soft").symlink_to(elsewhere)
    assert run(data, "-c", SHOW).returncode == 0
    handed_over = {path.name for path in data.rglob("*") if path.lstat().st_uid != 0}
    assert handed_over == {"secrets.json", "files", "tenant", "a", "soft"}
    assert elsewhere.stat().st_uid == 0
