"""Run a command without a way out, and print what it sent and which files it left, as JSON.

    unshare --net --mount [--map-root-user] python -m tests.proof.offline.isolated UID FOLDER COMMAND…

The only route leads into a TUN device, whose other end is this process: it reads every packet that would have left the
machine, and answers none. Started by root, the file system is an overlay over that of the machine, so that every file that
the command writes is found. Ordinary users cannot make such an overlay: for them, the files in FOLDER's parent are listed,
which has the home folder and the folder for temporary files.
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
    _use_resolver(folder, root)
    changes, here = os.open(upper, os.O_RDONLY), Path.cwd()
    os.chdir(root)
    _run("pivot_root", ".", str(folder.relative_to("/")))
    _run("umount", "--lazy", str(folder))
    os.chdir(here)
    return changes


def _use_resolver(folder: Path, root: Path) -> None:
    """Look names up at an address outside, and neither at one of the own machine nor through another program."""
    for name, text in OWN_FILES.items():
        (folder / name).write_text(text)
        _run("mount", "--bind", str(folder / name), str(root / "etc" / name))


def _files(top: str, descriptor: int | None) -> list[str]:
    """The files below `top`, or below the folder of the descriptor as if it were the root."""
    found = []
    for path, _, names, folder in os.fwalk(top, dir_fd=descriptor):
        for name in names:
            if not Path(f"/proc/self/fd/{folder}/{name}").is_symlink():
                found.append(str(Path("/", path, name)))
    return sorted(found)


def main() -> None:
    uid, folder, *command = sys.argv[1:]
    outside, is_root = _only_route(), uid == "0"
    changes = _overlay(Path(folder)) if is_root else None
    if not is_root:
        _use_resolver(Path(folder), Path("/"))
    # In a user namespace the command gets its own user id back, because OYL as root would become another user.
    own_user = [] if is_root else ["unshare", "--user", f"--map-user={uid}", f"--map-group={uid}"]
    done = subprocess.run([*own_user, *command], stdout=subprocess.PIPE, text=True, check=False)
    sent = {"name_lookups": outside.name_lookups, "packets": outside.packets}
    files = _files("." if is_root else str(Path(folder).parent), changes)
    print(json.dumps({"status": done.returncode, "output": done.stdout, **sent, "files": files}))


if __name__ == "__main__":
    main()
