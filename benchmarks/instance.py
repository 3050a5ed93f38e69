"""A throwaway embedded instance to measure on.

from benchmarks import instance  # first: it configures Django's settings

with instance.running() as supervisor:
    actor = instance.new_tenant()
"""

from __future__ import annotations

import benchmarks.environment  # noqa: F401  (before all else)

# isort: split
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from core.actors import Actor, command_actor
from oyl.embedded import services
from oyl.embedded.instance import InstanceKind, acquire
from oyl.embedded.service_log import ServiceLog
from oyl.embedded.supervisor import Supervisor
from tenants.services.organisations import create_tenant


@contextmanager
def running() -> Iterator[Supervisor]:
    """Run PostgreSQL, Redis and the vector store, with tables and without rows. The supervisor can start more programs."""
    instance = acquire(settings.LAYOUT, InstanceKind.COMMAND)
    assert instance, "no other process can own a new folder"
    with services.run(instance, ServiceLog(settings.LAYOUT.logs)) as supervisor:
        call_command("migrate", interactive=False, verbosity=0)
        instance.mark_ready()
        yield supervisor
        connections.close_all()


def new_tenant() -> Actor:
    """Create a tenant, and return an actor with all rights in it."""
    name = f"Tenant {uuid4().hex[:12]}"
    created = create_tenant(name=name, admin_email=f"{uuid4().hex}@example.org")
    return command_actor(created.tenant_id, "benchmark")
