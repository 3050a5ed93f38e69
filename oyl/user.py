"""The user that OYL runs as: not root, unless OYL_ALLOW_ROOT is set."""

from __future__ import annotations

from django.conf import settings

from core import root


def leave_root() -> None:
    """Begin this program again as an ordinary user if root has started it, unless it joins an instance that root was allowed
    to run. Exit if that is not possible."""
    from oyl.embedded import instance

    if root.is_root() and not settings.OYL_ALLOW_ROOT and not instance.runs_as_root(settings.LAYOUT):
        root.leave(data=settings.OYL_DATA_DIR, code=settings.BASE_DIR)


def refuse_root() -> None:
    """For programs that are started otherwise than by `manage.py`, too late to change the user. Exit."""
    if root.is_root() and not settings.OYL_ALLOW_ROOT:
        raise SystemExit(
            "OYL does not run as root. Run `manage.py up`, which continues as another user, or start this program as one."
        )
