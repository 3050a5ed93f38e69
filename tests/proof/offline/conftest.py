"""The harness needs Linux namespaces, a TUN device and iproute2; where one of them is missing, it is left out."""

from __future__ import annotations

import os
import shutil
import subprocess

UNSHARE = ("unshare", "--net", "--mount", *(() if os.getuid() == 0 else ("--map-root-user",)))
_TRIAL = "ip tuntap add mode tun oyl0 && command -v pivot_root && mount -t tmpfs tmpfs /mnt"


def _is_possible() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*UNSHARE, "sh", "-c", _TRIAL], capture_output=True, check=False).returncode == 0


collect_ignore = [] if _is_possible() else ["test_offline.py"]
