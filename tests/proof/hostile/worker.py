"""A worker as `up` starts it, in a world of its own: whatever it leaves, it leaves there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode

from celery import Celery
from django.conf import settings
from django.db import connection

from jobs.queue import WORK_TASK
from oyl.embedded import redis
from oyl.embedded.layout import Layout
from oyl.embedded.program import Program
from oyl.embedded.supervisor import ROOT
from oyl.embedded.up import application
from tests.proof.hostile.embedder import serving

KEYS = ("SECRET_KEY", "OYL_ENCRYPTION_KEYS", "OYL_AUDIT_KEY")
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """`folder` holds its data, its home and its temporary files. Database, vectors and files are the suite's; its doorbell
    is its own, so that no other test hears it."""

    process: subprocess.Popen[bytes]
    folder: Path
    bell: Celery

    @property
    def pid(self) -> int:
        return self.process.pid

    def ring(self) -> None:
        self.bell.send_task(WORK_TASK, kwargs={"queue": "ingest"}, queue="ingest")

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def leftovers(self) -> list[Path]:
        """What lies in its folders that nobody put there."""
        known = {self.folder / "data" / name for name in ("work", "redis")}
        found = [
            path for name in ("data", "data/work", "home", "tmp") for path in (self.folder / name).iterdir()
        ]
        return [path for path in found if path not in known and not path.is_symlink()]


@contextmanager
def running() -> Iterator[Worker]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oyl-")))
        layout = Layout(folder / "data")
        _furnish(folder, layout)
        stack.callback(shutil.rmtree, layout.run)
        environment = {**os.environ, **stack.enter_context(serving()), **_environment(folder, layout)}
        log = stack.enter_context((folder / "log").open("wb"))
        stack.enter_context(_started(redis.program(layout), environment, log))
        process = stack.enter_context(_started(application()[1], environment, log))
        bell = Celery(broker=f"redis+socket://{layout.redis_socket}")
        stack.callback(bell.close)
        yield Worker(process=process, folder=folder, bell=bell)


def _furnish(folder: Path, layout: Layout) -> None:
    suite: Layout = settings.LAYOUT
    for place in (layout.data, layout.run, folder / "home", folder / "tmp", suite.files):
        place.mkdir(parents=True, exist_ok=True)
    layout.files.symlink_to(suite.files)
    (folder / "tmp" / layout.run.name).symlink_to(suite.run)  # where it looks for the vectors' socket


def _environment(folder: Path, layout: Layout) -> dict[str, str]:
    return {
        **{name: str(getattr(settings, name)) for name in KEYS},
        "ALLOWED_HOSTS": "testserver",
        "OYL_HTTPS": "false",
        "OYL_DATA_DIR": str(layout.data),
        "DATABASE_URL": _database_url(),
        "REDIS_URL": f"unix://{layout.redis_socket}",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
    }


def _database_url() -> str:
    """The suite's database, as the application's role."""
    at = connection.get_connection_params()
    place = urlencode({name: at[name] for name in ("host", "port") if at.get(name)})
    return f"postgresql://{at['user']}:{quote(at.get('password') or '', safe='')}@/{at['dbname']}?{place}"


@contextmanager
def _started(
    program: Program, environment: Mapping[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    program.prepare()
    process = subprocess.Popen(program.argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
