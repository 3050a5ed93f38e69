"""Work that goes on in threads while a test does something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from django.db import connection


@contextmanager
def repeated_in_threads(functions: Sequence[Callable[[], object]]) -> Iterator[list[Exception]]:
    """Call each function again and again, in a thread of its own, until the block ends. Yields the list of errors, each of
    which ends its thread."""
    stop, errors = Event(), list[Exception]()

    def repeat(function: Callable[[], object]) -> None:
        try:
            while not stop.is_set():
                function()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=repeat, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    try:
        yield errors
    finally:
        stop.set()
        for thread in threads:
            thread.join()
