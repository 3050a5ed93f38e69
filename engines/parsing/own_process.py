"""Which files are read by a process of their own, and which by one that reads several small files of a tenant.

A hostile file takes over native code, such as a library of pictures or of HTML. What Python alone reads can share a process:
making one, with its sandbox, takes ten times as long as reading a page of text.
"""

from __future__ import annotations

import os

from engines.parsing.formats import BY_TYPE, likely_type

MAX_SHARED_BYTES = 1 << 20
REQUIRED = 4  # the status of a process that shall read several files, and was given one that needs its own

_is_shared = False


def share() -> None:
    """From now on, this process reads several files."""
    global _is_shared  # noqa: PLW0603 - like the sandbox, it is what this process is
    _is_shared = True


def is_shared() -> bool:
    return _is_shared


def require() -> None:
    """To be called before native code reads what is in a file, and when reading has failed in a way that is not expected:
    end this process if it reads several files. The worker gives the file to a new one."""
    if _is_shared:
        os._exit(REQUIRED)


def may_share(filename: str, size: int) -> bool:
    """Whether a file of this name and size may turn out to be one that shares a process."""
    format = BY_TYPE.get(likely_type(filename))
    return format is not None and format.shares_process and size <= MAX_SHARED_BYTES
