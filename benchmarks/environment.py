"""Importing this module configures Django for a new data folder with its own services, whatever the environment has in it,
and for a free port."""

import os
import socket
from importlib import import_module

SETTINGS = ("DATABASE_", "REDIS_", "QDRANT_", "EMBEDDING_", "PARSER_", "OYL_")

for name in list(os.environ):
    if name.startswith(SETTINGS):
        del os.environ[name]
with socket.create_server(("127.0.0.1", 0)) as probe:
    os.environ["OYL_PORT"] = str(probe.getsockname()[1])
import_module("tests.environment")
