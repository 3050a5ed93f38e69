"""Importing this module makes Django ready, and loads in advance what each worker would load when it starts."""

from importlib import import_module

import django

IN_ADVANCE = (
    "celery.bin.celery",
    "celery.concurrency.thread",
    "kombu.transport.redis",
    "knowledge.tasks",
    "tokenizers",
)

django.setup()
for name in IN_ADVANCE:
    import_module(name)
