"""The user that OYL runs as: not root, unless OYL_ALLOW_ROOT is set."""

from __future__ import annotations

from django.conf import settings

from core import root


def leave_root() -> None:
    """Begin this program again as an ordinary user if root has started it. Exit if that is not possible."""
    if root.is_root() and not settings.OYL_ALLOW_ROOT:
        root.leave(data=settings.OYL_DATA_DIR, code=settings.BASE_DIR)


def refuse_root() -> None:
    """For programs that are started otherwise than by `manage.py`, too late to change the user. Exit."""
    if root.is_root() and not settings.OYL_ALLOW_ROOT:
        raise SystemExit(
            "OYL does not run as root. Run `manage.py up`, which continues as another user, or start this program as one."
        )
