"""`python -m engines.parsing.service --socket S`: starts a warm parser process for each connection of a worker.

So workers need not run parsers themselves: this service may be in a container without network, secrets and data, as another
user. Files come as open ones, through the socket.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import threading
from pathlib import Path

from core.process_start import prepare_process
from engines.parsing.launch import WarmProcess

log = logging.getLogger("parser")

_MAX_PROCESSES = 64


def main() -> None:
    prepare_process()
    parser = argparse.ArgumentParser(prog="engines.parsing.service", description="Parse files for workers.")
    parser.add_argument("--socket", type=Path, required=True)
    path: Path = parser.parse_args().socket
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    places = threading.BoundedSemaphore(_MAX_PROCESSES)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        path.chmod(0o666)  # workers are other users; who may come is decided by who can reach the folder
        listener.listen()
        log.info("Parsing for workers at %s, as user %s", path, os.getuid())
        while True:
            connection, _ = listener.accept()
            places.acquire()
            threading.Thread(target=_serve, args=[connection, places], daemon=True).start()


def _serve(connection: socket.socket, places: threading.BoundedSemaphore) -> None:
    """Start a process that the worker controls, and wait until it ends, which is when the worker hangs up."""
    try:
        with connection:
            process = WarmProcess(connection)
        process.wait()
    except OSError:
        log.exception("A parser process could not be started")
    finally:
        places.release()


if __name__ == "__main__":
    main()
