"""The system calls that parsers, and the programs that they start, may make: the number of each on x86-64 and on ARM64, or
-1 where it does not exist.

The list was made by tracing every reader, and LibreOffice; beyond that, it has what other versions of the C library
and of the interpreter use for the same purposes. A call with another purpose, above all one that reaches other processes, or
changes what belongs to a file besides its content (mode, owner, times, attributes), must not be added.
"""

from __future__ import annotations

from typing import NamedTuple

ALL_BITS = 0xFFFFFFFF


class Choice(NamedTuple):
    """A system call that is allowed if the lower half of one of its arguments, with the `mask`, has one of these values."""

    numbers: tuple[int, int]
    argument: int
    values: tuple[int, ...]
    mask: int = ALL_BITS


ALLOWED = {
    # Reading and writing
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "preadv2": (327, 286),
    "pwritev2": (328, 287),
    "lseek": (8, 62),
    "sendfile": (40, 71),
    "copy_file_range": (326, 285),
    "fadvise64": (221, 223),
    "fallocate": (285, 47),
    "ftruncate": (77, 46),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "close": (3, 57),
    "close_range": (436, 436),
    "dup": (32, 23),
    "dup2": (33, -1),
    "dup3": (292, 24),
    "pipe": (22, -1),
    "pipe2": (293, 59),
    "creat": (85, -1),
    "getdents": (78, -1),
    "getdents64": (217, 61),
    # Names of files, which Landlock and the mount namespace guard
    "stat": (4, -1),
    "lstat": (6, -1),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, -1),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, -1),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "mkdir": (83, -1),
    "mkdirat": (258, 34),
    "rmdir": (84, -1),
    "unlink": (87, -1),
    "unlinkat": (263, 35),
    "rename": (82, -1),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "symlink": (88, -1),
    "symlinkat": (266, 36),
    "umask": (95, 166),
    # Waiting
    "poll": (7, -1),
    "ppoll": (271, 73),
    "select": (23, -1),
    "pselect6": (270, 72),
    "epoll_create": (213, -1),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, -1),
    "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441),
    "eventfd": (284, -1),
    "eventfd2": (290, 19),
    # Sockets that have no address outside of the folder: LibreOffice listens at one, to which nothing connects
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "getsockname": (51, 204),
    "getpeername": (52, 205),
    "getsockopt": (55, 209),
    "shutdown": (48, 210),
    "recvfrom": (45, 207),
    # Memory
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    "msync": (26, 227),
    "mincore": (27, 232),
    "membarrier": (324, 283),
    "mbind": (237, 235),
    "get_mempolicy": (239, 236),
    "set_mempolicy": (238, 237),
    # Threads, and programs that are started
    "exit": (60, 93),
    "exit_group": (231, 94),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "futex": (202, 98),
    "futex_waitv": (449, 449),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "set_tid_address": (218, 96),
    "arch_prctl": (158, -1),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "getcpu": (309, 168),
    # What a process asks about itself
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getpgrp": (111, -1),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "capget": (125, 90),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    "getrusage": (98, 165),
    "getpriority": (140, 141),
    "times": (100, 153),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getrandom": (318, 278),
    # Its own signals and clocks
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigsuspend": (130, 133),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "pause": (34, -1),
    "alarm": (37, -1),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "timer_create": (222, 107),
    "timer_settime": (223, 110),
    "timer_gettime": (224, 108),
    "timer_getoverrun": (225, 109),
    "timer_delete": (226, 111),
    "timerfd_create": (283, 85),
    "timerfd_settime": (286, 86),
    "timerfd_gettime": (287, 87),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, -1),
}
# A process or program that is started.
STARTING = {
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
}
_AF_UNIX = 1
_OPEN_MASK = 0o1003  # O_TRUNC, and for reading, writing, or both
# Not the value 3, nor O_TRUNC for reading: before Linux 6.2, Landlock does not refuse to empty a file in these ways.
_OPEN_VALUES = (0, 1, 2, 0o1001, 0o1002)
CHOICES = {
    "open": Choice((2, -1), 1, _OPEN_VALUES, _OPEN_MASK),
    "openat": Choice((257, 56), 2, _OPEN_VALUES, _OPEN_MASK),
    # Handles, flags and locks: no signals (F_SETOWN …), no leases, no news about folders (F_NOTIFY), no larger pipes.
    "fcntl": Choice((72, 25), 1, (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)),
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: no signals (FIOSETOWN …), and no flags of files.
    "ioctl": Choice((16, 29), 1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_SET_SECCOMP, PR_CAPBSET_READ,
    # PR_SET_NO_NEW_PRIVS, PR_SET_VMA
    "prctl": Choice((157, 167), 0, (1, 3, 15, 16, 21, 22, 23, 38, 0x53564D41)),
    "socket": Choice((41, 198), 0, (_AF_UNIX,)),
    "socketpair": Choice((53, 199), 0, (_AF_UNIX,)),
    "sched_setaffinity": Choice((203, 122), 0, (0,)),  # this thread
    "prlimit64": Choice((302, 261), 0, (0,)),  # this process
}
CLONE = (56, 220)
SIGNALS = {"kill": (62, 129), "tgkill": (234, 131)}  # their first argument is the process
