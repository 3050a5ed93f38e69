"""Runs everything under one supervisor: the embedded services, the migrations, then web, worker and beat."""

from __future__ import annotations

import errno
import http.client
import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from typing import TextIO

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from core import root
from core.private_files import close_to_others
from engines.parsing.process import available_layers
from oyl.embedded import background, chat_model, instance, services
from oyl.embedded.errors import ServiceError
from oyl.embedded.instance import Instance, InstanceKind
from oyl.embedded.layout import Layout
from oyl.embedded.program import Program
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import ROOT, interruptible

READY_SECONDS = 60.0
DEMO_SECONDS = 120.0
MODEL_SECONDS = 600.0  # large files take long to read from a slow disk


def up(console: TextIO) -> None:
    """Run until Ctrl-C or SIGTERM. Raises ServiceError when it cannot start."""
    acquired = _acquire_instance(settings.LAYOUT)
    service_log = ServiceLog(settings.LAYOUT.logs, console)
    with suppress(KeyboardInterrupt), interruptible(), services.run(acquired, service_log) as supervisor:
        service_log.write("oyl", f"services are ready, data is in {settings.OYL_DATA_DIR}")
        _report_user(service_log)
        _close_data_folder(service_log)
        _check_sandbox(service_log)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("migrate", interactive=False, verbosity=0)
        connections.close_all()
        acquired.mark_ready()
        web, worker, beat, workflows = application()
        with _make_demo(service_log):
            supervisor.start([web, worker, workflows], timeout=READY_SECONDS)
            supervisor.start([beat])  # last, so that the others get ready sooner
        if settings.OYL_CHAT_MODEL_FILE:
            service_log.write("oyl", f"loading the chat model {settings.OYL_CHAT_MODEL_FILE}")
            supervisor.start([chat_model.program(settings.LAYOUT)], timeout=MODEL_SECONDS)
        console.write(welcome(settings.LAYOUT))
        console.flush()
        Event().wait()
    console.write("OYL has stopped. Your data is kept.\n")


def application() -> tuple[Program, Program, Program, Program]:
    """Web, worker, beat, and the worker of the runs of workflows and of webhooks, which do not wait behind ingestion."""
    celery = (sys.executable, "-W", "ignore:You're running the worker", "-m", "celery", "-q", "-A", "oyl")
    pool = ("--pool", "threads", "--without-gossip", "--without-mingle")
    queues = ("-Q", "ingest,maintenance", "--loglevel", "INFO")
    threads = (
        "-Q",
        "workflows,webhooks",
        "-c",
        str(settings.WORKFLOW_THREADS),
        "-n",
        "workflows@%h",
        "--loglevel",
        "INFO",
    )
    schedule = ("-s", str(settings.OYL_DATA_DIR / "celerybeat-schedule"))
    return (
        Program(name="web", command=(sys.executable, "-m", "oyl.web_server"), is_ready=_web_is_ready),
        Program(name="worker", command=(*celery, "worker", *pool, *queues)),
        Program(name="beat", command=(*celery, "beat", *schedule)),
        Program(name="workflows", command=(*celery, "worker", *pool, *threads)),
    )


def address() -> str:
    return f"http://{settings.OYL_HOST}:{settings.OYL_PORT}"


def welcome(layout: Layout) -> str:
    """The address, the demo's sign-in, and commands to try."""
    lines = ["", f"OYL is ready: {address()}/admin/", ""]
    with suppress(FileNotFoundError):
        demo = json.loads((layout.data / "demo.json").read_text())
        if link := demo.get("link"):  # a demo of an earlier version has none
            lines += [
                f"  First time   {link}",
                "               Choose your password there. The link works once.",
            ]
        lines += [f"  Then         Sign in as {demo['email']} with your password.", ""]
        lines += ["Try next, in a second terminal:", ""]
        tenant = f'--tenant "{demo["tenant"]}"'
        lines += [
            f'  .venv/bin/python manage.py ask "OYL guide" "How are tenants kept apart?" {tenant}',
            f'  .venv/bin/python manage.py search "how are tenants kept apart" {tenant}',
        ]
        lines += [
            f"  .venv/bin/python manage.py ingest FOLDER {tenant} --workspace Main --reference Files",
            "",
            "The documents of the demo are being read; until then, answers and searches find less of them.",
            "",
        ]
    lines += ["Ctrl-C stops it; all data is kept.", "", ""]
    return "\n".join(lines)


def _acquire_instance(layout: Layout) -> Instance:
    """Acquire this data folder; a running `services start` is stopped. Raises ServiceError."""
    running = instance.running_instance(layout)
    if running and running.kind is InstanceKind.UP:
        raise ServiceError(
            f"OYL is already running at {running.address} (process {running.pid}). Stop it with Ctrl-C there."
            " A second one needs a data folder and a port of its own: OYL_DATA_DIR=var2 OYL_PORT=8001 make up"
        )
    _check_port()
    background.stop(layout)
    if acquired := instance.acquire(layout, InstanceKind.UP, address=address()):
        return acquired
    busy = instance.running_instance(layout)
    holder = f"`manage.py` command (process {busy.pid})" if busy else "process"
    raise ServiceError(f"A {holder} is using the services in {layout.data}. Try again when it has ended.")


def _close_data_folder(service_log: ServiceLog) -> None:
    """Data folders of earlier releases have files that other users of the machine may read."""
    try:
        if count := close_to_others(settings.OYL_DATA_DIR):
            service_log.write("oyl", f"took the rights of other users away from {count:,} files and folders")
    except PermissionError as error:
        raise ServiceError(
            f"{error.filename} belongs to another user, and others may read it. Start OYL as the user who made"
            " this data folder, or change its owner."
        ) from error


def _report_user(service_log: ServiceLog) -> None:
    if root.is_root():
        message = "WARNING: everything but PostgreSQL runs as root, because OYL_ALLOW_ROOT is set. Only tests should."
    else:
        message = f"everything runs as the user {pwd.getpwuid(os.geteuid()).pw_name}"
    service_log.write("oyl", message)


def _check_sandbox(service_log: ServiceLog) -> None:
    """Warn about missing layers of the parser's sandbox, or raise ServiceError if they are required."""
    from knowledge.engine_config import parser_service  # which imports models

    layers = available_layers(parser_service())
    if not (missing := ", ".join(layers.missing)):
        return
    message = (
        f"WARNING: hostile files are confined less than they could be. This kernel does not permit {missing}."
        " docs/threat-model.md says what that means."
    )
    if settings.PARSER_SANDBOX == "required" and not layers.is_enough:
        raise ServiceError(f"PARSER_SANDBOX is required, but this kernel does not permit {missing}.")
    service_log.write("oyl", message)


def _check_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.OYL_HOST, settings.OYL_PORT))
        except OverflowError as error:
            raise ServiceError(
                f"OYL_PORT is {settings.OYL_PORT}: choose one of 1 to 65535, such as OYL_PORT=8001 make up"
            ) from error
        except OSError as error:
            advice = f"Choose another one: OYL_PORT={settings.OYL_PORT + 1} make up"
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                advice = f"Is OYL_HOST={settings.OYL_HOST} an address of this machine? 127.0.0.1 always is."
            raise ServiceError(
                f"Port {settings.OYL_PORT} cannot be used ({error.strerror}). {advice}"
            ) from error


def _web_is_ready() -> bool:
    connection = http.client.HTTPConnection(settings.OYL_HOST, settings.OYL_PORT, timeout=5)
    host = settings.ALLOWED_HOSTS[0].lstrip("*.") or "localhost"
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def _make_demo(service_log: ServiceLog) -> Iterator[None]:
    """On the first run, let `manage.py demo` make a tenant while the block starts the application."""
    if (settings.LAYOUT.data / "demo.json").exists():
        yield
        return
    service_log.write("oyl", "first run: a demo tenant is being made")
    command = [sys.executable, str(ROOT / "manage.py"), "demo"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield
            output, _ = process.communicate(timeout=DEMO_SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        service_log.write(
            "oyl", f"the demo tenant could not be made, the next start tries again: {output.strip()}"
        )
