"""A worker as `up` starts it, with its own folders, so that everything it leaves can be found."""

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
from tests.proof.hostile.embedder import embedding_endpoint

KEYS = ("SECRET_KEY", "OYL_ENCRYPTION_KEYS", "OYL_AUDIT_KEY")
STOP_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """`folder` contains its data, its home and its temporary files. It shares the suite's database, vectors and files, but
    has its own broker, so that other tests' workers do not get its tasks."""

    process: subprocess.Popen[bytes]
    folder: Path
    celery: Celery

    @property
    def pid(self) -> int:
        return self.process.pid

    def wake(self) -> None:
        self.celery.send_task(WORK_TASK, kwargs={"queue": "ingest"}, queue="ingest")

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def leftovers(self) -> list[Path]:
        """Return the files in its folders that should not be there."""
        expected = {self.folder / "data" / name for name in ("work", "redis")}
        paths = [
            path for name in ("data", "data/work", "home", "tmp") for path in (self.folder / name).iterdir()
        ]
        return [path for path in paths if path not in expected and not path.is_symlink()]


@contextmanager
def run_worker() -> Iterator[Worker]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oyl-")))
        layout = Layout(folder / "data")
        _prepare_folders(folder, layout)
        stack.callback(shutil.rmtree, layout.run)
        environment = {
            **os.environ,
            **stack.enter_context(embedding_endpoint()),
            **_environment(folder, layout),
        }
        log = stack.enter_context((folder / "log").open("wb"))
        stack.enter_context(_run_program(redis.program(layout), environment, log))
        process = stack.enter_context(_run_program(application()[1], environment, log))
        celery = Celery(broker="redis+socket" + redis.url(layout).removeprefix("unix"))
        stack.callback(celery.close)
        yield Worker(process=process, folder=folder, celery=celery)


def _prepare_folders(folder: Path, layout: Layout) -> None:
    suite: Layout = settings.LAYOUT
    for path in (layout.data, layout.run, folder / "home", folder / "tmp", suite.files):
        path.mkdir(parents=True, exist_ok=True)
    layout.files.symlink_to(suite.files)
    layout.service_passwords.symlink_to(suite.service_passwords)
    # The worker expects the vector store's socket here.
    (folder / "tmp" / layout.run.name).symlink_to(suite.run)


def _environment(folder: Path, layout: Layout) -> dict[str, str]:
    return {
        **{name: str(getattr(settings, name)) for name in KEYS},
        "ALLOWED_HOSTS": "testserver",
        "OYL_HTTPS": "false",
        "OYL_DATA_DIR": str(layout.data),
        "DATABASE_URL": _database_url(),
        "REDIS_URL": redis.url(layout),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
    }


def _database_url() -> str:
    """Return the address of the suite's database, for the application's role."""
    params = connection.get_connection_params()
    query = urlencode({name: params[name] for name in ("host", "port") if params.get(name)})
    password = quote(str(params.get("password") or ""), safe="")
    return f"postgresql://{params['user']}:{password}@/{params['dbname']}?{query}"


@contextmanager
def _run_program(
    program: Program, environment: Mapping[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    program.prepare()
    process = subprocess.Popen(program.argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_SECONDS)
        process.kill()
        process.wait()
