"""A process that stands for a worker: it has a secret in its environment and memory, and an open connection."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys

from core.process_start import prepare_process

if __name__ == "__main__":
    prepare_process()
    secret = ctypes.create_string_buffer(os.environ["SECRET_KEY"].encode())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        described = {
            "worker": os.getpid(),
            "address": ctypes.addressof(secret),
            "connection": listener.fileno(),
            "port": listener.getsockname()[1],
        }
        print(json.dumps(described), flush=True)
        sys.stdin.read()
