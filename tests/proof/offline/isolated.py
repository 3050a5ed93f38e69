"""Run a command without a way out, and print what it sent and which files it left, as JSON.

    unshare --net --mount [--map-root-user] python -m tests.proof.offline.isolated UID FOLDER COMMAND…

The only route leads into a TUN device, whose other end is this process: it reads every packet that would have left the
machine, and answers none. The file system is an overlay over that of the machine, so that everything that the command writes
is in a folder of its own.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

DEVICE = "oyl0"
RESOLVER = "192.0.2.53"
IFF_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
TUNSETIFF = 0x400454CA
UDP, ICMP_6 = 17, 58
NAME_SERVICE_PORT = 53
OWN_FILES = {
    "resolv.conf": f"nameserver {RESOLVER}\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


class Outside:
    """The other end of the only route."""

    def __init__(self) -> None:
        self.name_lookups: list[str] = []
        self.packets: list[str] = []
        self._device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self._device, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN_WITHOUT_HEADER))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while packet := os.read(self._device, 65_535):
            self._count(packet)

    def _count(self, packet: bytes) -> None:
        """ICMPv6 is left out: the kernel itself announces the device with it."""
        version = packet[0] >> 4
        header = (packet[0] & 15) * 4 if version == 4 else 40
        protocol = packet[9] if version == 4 else packet[6]
        address = ipaddress.ip_address(packet[16:20] if version == 4 else packet[24:40])
        port = int.from_bytes(packet[header + 2 : header + 4])
        if protocol == UDP and port == NAME_SERVICE_PORT:
            self.name_lookups.append(_name(packet[header + 8 :]))
        elif (version, protocol) != (6, ICMP_6):
            self.packets.append(f"protocol {protocol} to {address}, port {port}")


def _name(query: bytes) -> str:
    """The name in a DNS query, which begins after its header of 12 bytes."""
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode(errors="replace"))
        at += 1 + size
    return ".".join(labels)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _only_route() -> Outside:
    outside = Outside()
    _run("ip", "address", "add", "192.0.2.1/24", "dev", DEVICE)
    for device in ("lo", DEVICE):
        _run("ip", "link", "set", device, "up")
    _run("ip", "route", "add", "default", "dev", DEVICE)
    if Path("/proc/net/if_inet6").exists():
        _run("ip", "-6", "route", "add", "default", "dev", DEVICE)
    return outside


def _overlay(folder: Path) -> int:
    """Change to a root whose changes are in a folder in memory. Return the descriptor of this folder."""
    _run("mount", "-t", "tmpfs", "tmpfs", str(folder))
    upper, work, root = folder / "upper", folder / "work", folder / "root"
    for made in (upper, work, root):
        made.mkdir()
    upper.chmod(0o755)
    _run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", str(root))
    for shared in ("proc", "sys", "dev"):
        _run("mount", "--rbind", f"/{shared}", str(root / shared))
    for name, text in OWN_FILES.items():
        (folder / name).write_text(text)
        _run("mount", "--bind", str(folder / name), str(root / "etc" / name))
    changes = os.open(upper, os.O_RDONLY)
    here = Path.cwd()
    os.chdir(root)
    _run("pivot_root", ".", str(folder.relative_to("/")))
    os.chdir(here)
    return changes


def _files(changes: int) -> list[str]:
    found = []
    for path, _, names, descriptor in os.fwalk(".", dir_fd=changes):
        for name in names:
            if not Path(f"/proc/self/fd/{descriptor}/{name}").is_symlink():
                found.append(os.path.normpath(f"/{path}/{name}"))
    return sorted(found)


def main() -> None:
    uid, folder, *command = sys.argv[1:]
    outside, changes = _only_route(), _overlay(Path(folder))
    # In a user namespace the command gets its own user id back, because OYL as root would become another user.
    own_user = [] if uid == "0" else ["unshare", "--user", f"--map-user={uid}", f"--map-group={uid}"]
    done = subprocess.run([*own_user, *command], stdout=subprocess.PIPE, text=True, check=False)
    sent = {"name_lookups": outside.name_lookups, "packets": outside.packets}
    result = {"status": done.returncode, "output": done.stdout, **sent, "files": _files(changes)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
