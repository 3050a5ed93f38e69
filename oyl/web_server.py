"""The web server: uvicorn, with the same settings wherever it is started (`python -m oyl.web_server`).

With OYL_WEB_PROCESSES above 1, this process only listens. As many others, which it starts with the number of the open socket
as their argument, accept connections from there.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from typing import Any

import uvicorn

OPEN_FILES = 65_536
KEEP_ALIVE_SECONDS = 15


def configuration(application: Any = "oyl.asgi:application", **options: Any) -> uvicorn.Config:
    """`options` are those of where to listen."""
    from django.conf import settings

    from oyl.http_protocol import LimitedProtocol

    proxies = [str(network) for network in settings.OYL_TRUSTED_PROXIES]
    return uvicorn.Config(
        application,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        server_header=False,
        access_log=False,
        log_level="warning",
        **options,
    )


def raise_limit_of_open_files() -> None:
    """Each connection is an open file; the usual limit of 1,024 is less than OYL_CONNECTIONS."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")
    from django.conf import settings

    from oyl.user import leave_root

    raise_limit_of_open_files()
    leave_root()
    if inherited := sys.argv[1:]:
        serve(socket.socket(fileno=int(inherited[0])))
        return
    listener = configuration(host=settings.OYL_HOST, port=settings.OYL_PORT).bind_socket()
    if settings.OYL_WEB_PROCESSES == 1:
        serve(listener)
    else:
        sys.exit(serve_in_processes(listener, settings.OYL_WEB_PROCESSES))


def serve(listener: socket.socket) -> None:
    config = configuration()
    config.load_app()  # before the event loop runs, because the application asks the database while it is imported
    uvicorn.Server(config).run(sockets=[listener])


def serve_in_processes(listener: socket.socket, count: int) -> int:
    """Run until one of the processes has ended, or a signal has asked for it; then end all of them, so that whatever started
    this program starts it again. Return the exit code."""
    command = (sys.executable, "-m", "oyl.web_server", str(listener.fileno()))
    children = [subprocess.Popen(command, pass_fds=[listener.fileno()]) for _ in range(count)]
    asked = list[int]()

    def end(number: int, frame: object) -> None:
        asked.append(number)
        for child in children:
            child.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    for child in children:
        child.terminate()
    for child in children:
        child.wait()
    return 0 if asked else 1


if __name__ == "__main__":
    main()
