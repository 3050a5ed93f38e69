"""Importing this module makes Django ready for a new data folder with services of its own, whatever the environment says
of servers or settings; and for a port that nobody listens on."""

import os
import socket
from importlib import import_module

SETTINGS = ("DATABASE_", "REDIS_", "QDRANT_", "EMBEDDING_", "PARSER_", "OYL_")

for name in list(os.environ):
    if name.startswith(SETTINGS):
        del os.environ[name]
with socket.create_server(("127.0.0.1", 0)) as free:
    os.environ["OYL_PORT"] = str(free.getsockname()[1])
import_module("tests.environment")
