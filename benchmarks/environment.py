"""Importing this module makes Django ready for a new data folder with services of its own, whatever the environment says
of servers or settings."""

import os
from importlib import import_module

SETTINGS = ("DATABASE_", "REDIS_", "QDRANT_", "EMBEDDING_", "PARSER_", "OYL_")

for name in list(os.environ):
    if name.startswith(SETTINGS):
        del os.environ[name]
import_module("tests.environment")
