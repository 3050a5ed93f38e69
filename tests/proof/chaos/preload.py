"""Importing this module sets Django up, and imports in advance what every worker imports at its start."""

from importlib import import_module

import django

MODULES = (
    "celery.bin.celery",
    "celery.concurrency.thread",
    "kombu.transport.redis",
    "knowledge.tasks",
    "tokenizers",
    "uvicorn",
)

django.setup()
for name in MODULES:
    import_module(name)
