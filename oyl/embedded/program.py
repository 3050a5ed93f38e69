"""A program that OYL runs as a child process: how it is started, checked for readiness, and stopped."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGTERM, Signals

from oyl.embedded.errors import ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`prepare` is called once before the first start, `on_ready` once when `is_ready` returns True. The program is stopped
    with `stop_signal`, and killed after `grace` seconds. A `quiet` program's lines go only to its file. An `unprivileged`
    one refuses to run as root."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool] = lambda: True
    prepare: Callable[[], None] = lambda: None
    on_ready: Callable[[], None] = lambda: None
    stop_signal: Signals = SIGTERM
    grace: float = 5.0
    quiet: bool = False
    unprivileged: bool = False

    @property
    def argv(self) -> list[str]:
        """The command; on Linux the kernel sends it `stop_signal` when its parent dies, even by SIGKILL."""
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
    """Run as `nobody`, with one capability to enter folders that only root can, such as a checkout below /root: where OYL is
    allowed to run as root (`core.root`)."""
    user = pwd.getpwnam("nobody")
    capability = "-all,+dac_override"
    return (
        *("--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"),
        *("--inh-caps", capability, "--ambient-caps", capability),
    )
