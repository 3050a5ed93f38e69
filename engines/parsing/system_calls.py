"""A seccomp filter that refuses the system calls which reach beyond a process, also in programs started later.

Files are left to Landlock. Unlike namespaces, the filter is permitted in every container.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import NamedTuple

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_GET_SECCOMP, _MODE_FILTER = 38, 22, 21, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in the kernel's `seccomp_data`
_ALLOW, _REFUSE, _ABSENT = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x00050000 | errno.ENOSYS
_AF_UNIX = 1
_NEW_NAMESPACE_FLAGS = 0x7E020000  # of `clone`: CLONE_NEW…
_OTHER_ABI = 0x40000000  # the numbers of x32 begin here
_CLONE3 = 435
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Each with its number on x86-64 and on ARM64; -1 where it does not exist. Those from 424 on have one number everywhere.
_REFUSED = {
    # Sockets: no connection, and no message to an address. LibreOffice listens at one of its own, which nobody calls.
    "connect": (42, 203),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "recvmsg": (47, 212),
    "recvmmsg": (299, 243),
    # Other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # Namespaces, mounts, and files by other ways than paths
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    # Memory that no limit of a process counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    # The kernel itself
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),  # its operations bypass filters
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "personality": (135, 92),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "vhangup": (153, 58),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "modify_ldt": (154, -1),
}
# These are decided by their first argument.
_SOCKET, _KILL, _TGKILL = (41, 198), (62, 129), (234, 131)
_CLONE, _SCHED_SETAFFINITY, _PRLIMIT = (56, 220), (203, 122), (302, 261)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


class _Instruction(NamedTuple):
    """As in `struct sock_filter`: operation, instructions to skip if true and if false, operand."""

    operation: int
    if_true: int
    if_false: int
    operand: int


def is_available() -> bool:
    """Return whether this machine is known, and its kernel has filters."""
    return platform.machine() in _ARCHITECTURES and ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def refuse() -> None:
    """Install the filter for the rest of this process's life. Raise OSError; do nothing where there are no filters."""
    if not is_available():
        return
    instructions = _instructions(["x86_64", "aarch64"].index(platform.machine()), os.getpid())
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    program = _Program(len(instructions), code)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "The filter of system calls could not be installed")


def _instructions(machine: int, pid: int) -> list[_Instruction]:
    """The filter's program. `machine` chooses the column of numbers; signals to `pid` itself are permitted."""
    by_argument = [
        *_decide(_SOCKET[machine], _IF_EQUAL, _AF_UNIX, if_match=_ALLOW, otherwise=_REFUSE),
        *_decide(_CLONE[machine], _IF_ANY_BIT, _NEW_NAMESPACE_FLAGS, if_match=_REFUSE, otherwise=_ALLOW),
        *_decide(_KILL[machine], _IF_EQUAL, pid, if_match=_ALLOW, otherwise=_REFUSE),
        *_decide(_TGKILL[machine], _IF_EQUAL, pid, if_match=_ALLOW, otherwise=_REFUSE),
        *_decide(_SCHED_SETAFFINITY[machine], _IF_EQUAL, 0, if_match=_ALLOW, otherwise=_REFUSE),
        *_decide(_PRLIMIT[machine], _IF_EQUAL, 0, if_match=_ALLOW, otherwise=_REFUSE),
    ]
    numbers = sorted(numbers[machine] for numbers in _REFUSED.values() if numbers[machine] >= 0)
    return [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE),
        _Instruction(_IF_EQUAL, 1, 0, list(_ARCHITECTURES.values())[machine]),
        _Instruction(_RETURN, 0, 0, _REFUSE),
        _Instruction(_LOAD, 0, 0, _NUMBER),
        _Instruction(_IF_AT_LEAST, 0, 1, _OTHER_ABI),
        _Instruction(_RETURN, 0, 0, _REFUSE),
        # Its flags are in memory, where a filter cannot read them: libraries then use `clone`.
        _Instruction(_IF_EQUAL, 0, 1, _CLONE3),
        _Instruction(_RETURN, 0, 0, _ABSENT),
        *by_argument,
        *(_Instruction(_IF_EQUAL, len(numbers) - at, 0, number) for at, number in enumerate(numbers)),
        _Instruction(_RETURN, 0, 0, _ALLOW),
        _Instruction(_RETURN, 0, 0, _REFUSE),
    ]


def _decide(number: int, test: int, operand: int, *, if_match: int, otherwise: int) -> list[_Instruction]:
    """Decide one system call by the lower half of its first argument."""
    return [
        _Instruction(_IF_EQUAL, 0, 4, number),
        _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT),
        _Instruction(test, 0, 1, operand),
        _Instruction(_RETURN, 0, 0, if_match),
        _Instruction(_RETURN, 0, 0, otherwise),
    ]
