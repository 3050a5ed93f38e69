"""The web server: uvicorn, with the same settings wherever it is started (`python -m oyl.web_server`)."""

from __future__ import annotations

import os
import resource
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
    config = configuration(host=settings.OYL_HOST, port=settings.OYL_PORT)
    config.load_app()  # before the event loop runs, because the application asks the database while it is imported
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
