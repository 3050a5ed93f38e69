"""Rows that another transaction has locked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from core.isolation.scope import tenant_scope


@contextmanager
def locked(workspace: Any) -> Iterator[None]:
    """Another transaction has locked the row."""
    is_locked, is_done = threading.Event(), threading.Event()

    def lock() -> None:
        with tenant_scope(workspace.tenant_id):
            type(workspace)._base_manager.select_for_update().get(pk=workspace.pk)
            is_locked.set()
            is_done.wait(30)
        connection.close()

    thread = threading.Thread(target=lock)
    thread.start()
    assert is_locked.wait(30)
    try:
        yield
    finally:
        is_done.set()
        thread.join()
