"""A program that OYL runs beside itself: how it is started, seen to be ready, and stopped."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGTERM, Signals

from oyl.embedded.errors import ServiceError


def _nothing() -> None:
    pass


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`prepare` runs once before the first start, `finish` once after the program is `ready`. `stop_signal`
    asks it to end; after `grace` seconds it is killed. A `quiet` program's lines go to its file alone. An
    `unprivileged` one refuses to run as root."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool] = _always
    prepare: Callable[[], None] = _nothing
    finish: Callable[[], None] = _nothing
    stop_signal: Signals = SIGTERM
    grace: float = 5.0
    quiet: bool = False
    unprivileged: bool = False

    @property
    def argv(self) -> list[str]:
        """The command; on Linux the kernel asks it to stop when whoever started it dies, even by kill -9."""
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            return [*without_root(self.command)] if self.unprivileged else [*self.command]
        prefix = (setpriv, "--pdeathsig", self.stop_signal.name)
        user = _as_nobody() if self.unprivileged and os.geteuid() == 0 else ()
        return [*prefix, *user, "--", *self.command]


def without_root(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command as it can be run by this user: unchanged, or as `nobody` when this is root."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServiceError(
            "PostgreSQL refuses to run as root, and setpriv, which would run it as another user, is missing. "
            "Install it (Debian package util-linux), or run OYL as an ordinary user."
        )
    return (setpriv, *_as_nobody(), "--", *command)


def _as_nobody() -> tuple[str, ...]:
    """Not root, yet able to reach folders that only root can enter, such as a checkout below /root: one
    capability does it, and no folder's permissions need to change."""
    user = pwd.getpwnam("nobody")
    capability = "-all,+dac_override"
    return (
        *("--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"),
        *("--inh-caps", capability, "--ambient-caps", capability),
    )
