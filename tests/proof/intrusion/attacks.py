"""What a hostile file's code tries inside the parser. Each function returns what it has got, or raises OSError when it is
refused; an attack that finds nothing to take raises `Refused`."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import struct
from contextlib import suppress
from pathlib import Path

from engines.parsing.system_call_numbers import ALLOWED, CHOICES, CLONE, SIGNALS, STARTING
from tests.proof.intrusion.file_attacks import FILE_ATTACKS
from tests.proof.intrusion.machine import IS_X86, Attack, Refused, Targets, by_machine, libc, system_call

STOLEN: list[str] = []  # what an infection would leave for the next file
_PTRACE_ATTACH = 16
_DESCENDANTS = 70
_KILLING = {335, 336} if IS_X86 else set()  # `uretprobe` and `uprobe`, which end a process that is not traced
_LAST_NUMBER = 600  # of system calls, with room for new ones


# Other processes


def signal_the_worker_by_a_pipe(targets: Targets) -> str:
    return str(fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, targets["worker"]))


def signal_the_worker_by_a_thread(targets: Targets) -> str:
    owner = struct.pack("=ii", 1, targets["worker"])
    return str(fcntl.fcntl(os.pipe()[0], 15, owner))  # F_SETOWN_EX


def choose_the_signal_of_a_pipe(targets: Targets) -> str:
    return str(fcntl.fcntl(os.pipe()[0], 10, signal.SIGKILL))  # F_SETSIG


def signal_the_worker_by_a_socket(targets: Targets) -> str:
    return str(fcntl.ioctl(3, 0x8901, struct.pack("=i", targets["worker"])))  # FIOSETOWN


def signal_the_workers_group_by_a_socket(targets: Targets) -> str:
    return str(fcntl.ioctl(3, 0x8902, struct.pack("=i", targets["worker"])))  # SIOCSPGRP


def read_the_workers_environment(targets: Targets) -> str:
    return Path(f"/proc/{targets['worker']}/environ").read_text()


def read_the_workers_memory(targets: Targets) -> str:
    with Path(f"/proc/{targets['worker']}/mem").open("rb") as memory:
        return str(memory)


def attach_to_the_worker(targets: Targets) -> str:
    return str(system_call(by_machine(101, 117), _PTRACE_ATTACH, targets["worker"], 0, 0))


def read_the_workers_memory_by_address(targets: Targets) -> str:
    buffer = ctypes.create_string_buffer(8)
    local = struct.pack("=QQ", ctypes.addressof(buffer), 8)
    remote = struct.pack("=QQ", targets["address"], 8)
    return str(system_call(by_machine(310, 270), targets["worker"], local, 1, remote, 1, 0))


def take_a_connection_of_the_worker(targets: Targets) -> str:
    handle = system_call(434, targets["worker"], 0)
    return str(system_call(438, handle, targets["connection"], 0))


def signal_the_worker(targets: Targets) -> str:
    os.kill(targets["worker"], 0)
    return "signalled"


def limit_the_worker(targets: Targets) -> str:
    limits = struct.pack("=QQ", resource.RLIM_INFINITY & 2**64 - 1, resource.RLIM_INFINITY & 2**64 - 1)
    return str(system_call(by_machine(302, 261), targets["worker"], resource.RLIMIT_CORE, limits, None))


def slow_down_the_worker(targets: Targets) -> str:
    os.setpriority(os.PRIO_PROCESS, targets["worker"], os.getpriority(os.PRIO_PROCESS, targets["worker"]) + 1)
    return "slower"


# Services and networks


def ask_postgres_as_superuser(targets: Targets) -> str:
    startup = struct.pack("!i", 196608) + b"user\0postgres\0database\0oyl\0\0"
    answer = _ask(targets["postgres"], struct.pack("!i", len(startup) + 4) + startup)
    # "R", length, and 0: signed in. Otherwise it asks for a password, or refuses.
    if answer[:1] == b"R" and answer[5:9] == b"\0\0\0\0":
        return "signed in as the superuser"
    raise Refused(f"PostgreSQL wants a password: {answer[:60]!r}")


def ask_redis(targets: Targets) -> str:
    answer = _ask(targets["redis"], b"KEYS *\r\n")
    if answer.startswith(b"-"):
        raise Refused(answer.decode())
    return answer.decode()


def ask_the_vector_store(targets: Targets) -> str:
    header = b'{"operation": "scroll", "collection": "minilm", "filter": {}, "limit": 9, "arrays": []}'
    answer = _ask(targets["vectors"], bytes(43) + struct.pack("!4sII", b"OYL1", len(header), 0) + header)
    if not answer:
        raise Refused("The vector store closed the connection.")
    return answer.decode(errors="replace")


def _ask(path: str, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(path)
        connection.send(request)
        return connection.recv(4096)


def connect_by_tcp(targets: Targets) -> str:
    with socket.create_connection(("127.0.0.1", targets["port"]), 1) as connection:
        return str(connection)


def connect_to_an_abstract_socket(targets: Targets) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + targets["abstract"])
        return str(connection)


def send_a_datagram(targets: Targets) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return str(sender.sendto(b"secret", ("127.0.0.1", targets["port"])))


def open_a_netlink_socket(targets: Targets) -> str:
    return str(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))


def open_a_packet_socket(targets: Targets) -> str:
    return str(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))


def open_a_vsock_socket(targets: Targets) -> str:
    return str(socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM, 0))


# The kernel


def make_a_user_namespace(targets: Targets) -> str:
    return str(system_call(by_machine(272, 97), 0x10000000))


def fork_into_a_user_namespace(targets: Targets) -> str:
    pid = system_call(by_machine(56, 220), 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return str(os.waitpid(pid, 0))


def mount_a_file_system(targets: Targets) -> str:
    return str(system_call(by_machine(165, 40), b"tmpfs", b".", b"tmpfs", 0, None))


def change_the_root_folder(targets: Targets) -> str:
    os.chroot(".")
    return "changed"


def set_up_io_uring(targets: Targets) -> str:
    return str(system_call(425, 4, ctypes.create_string_buffer(120)))


def load_a_bpf_program(targets: Targets) -> str:
    return str(system_call(by_machine(321, 280), 0, ctypes.create_string_buffer(72), 72))


def count_performance_events(targets: Targets) -> str:
    attributes = struct.pack("=II", 1, 64) + bytes(56)
    return str(system_call(by_machine(298, 241), attributes, 0, -1, -1, 0))


def handle_page_faults(targets: Targets) -> str:
    return str(system_call(by_machine(323, 282), 1))


def join_a_keyring(targets: Targets) -> str:
    return str(system_call(by_machine(250, 219), 1, b"intrusion"))


def make_a_call_that_is_not_listed(targets: Targets) -> str:
    """Ends at the first one that the kernel answers otherwise than if it did not have it."""
    column = 0 if IS_X86 else 1
    tables = (*ALLOWED.values(), *STARTING.values(), *SIGNALS.values(), CLONE)
    listed = {numbers[column] for numbers in (*tables, *(choice.numbers for choice in CHOICES.values()))}
    for number in sorted(set(range(_LAST_NUMBER)) - listed - _KILLING):
        if libc.syscall(number, -1, -1, -1, -1, -1, -1) >= 0 or ctypes.get_errno() != errno.ENOSYS:
            return f"the kernel answers to {number}"
    raise Refused("The kernel seems to have none of them.")


def use_the_other_abi(targets: Targets) -> str:
    """The numbers of x32, or on ARM64 none: 39 is `getpid`."""
    return str(system_call(0x40000000 | 39))


def use_the_other_architecture(targets: Targets) -> str:
    """`int 0x80` takes the numbers of 32-bit programs: 20 is `getpid`."""
    if not IS_X86:
        raise Refused("ARM64 has no such instruction.")
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return f"pid {result}"


def keep_memory_beyond_the_limit(targets: Targets) -> str:
    handle = os.memfd_create("hoard")
    os.truncate(handle, 1 << 20)
    return str(handle)


def keep_shared_memory(targets: Targets) -> str:
    return str(system_call(by_machine(29, 194), 0, ctypes.c_size_t(1 << 20), 0o600))


def fork_without_end(targets: Targets) -> str:
    started = 0
    for _ in range(_DESCENDANTS):
        try:
            pid = os.fork()
        except BlockingIOError as error:
            raise Refused(f"{started} processes, then: {error}") from error
        if pid == 0:
            signal.pause()
            os._exit(0)
        started += 1
    return f"{started} processes"


def _survive() -> None:
    with suppress(OSError):
        os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        libc.prctl(15, b"oyl-survivor", 0, 0, 0)
        os.dup2(os.open(os.devnull, os.O_RDWR), 3)
        signal.pause()


def leave_a_process_behind(targets: Targets) -> str:
    """It has a session of its own and ignores signals. The harness looks for its open file afterwards."""
    if os.fork() == 0:
        try:
            _survive()
        finally:
            os._exit(0)
    raise Refused("The harness looks for it.")


def fill_the_disk(targets: Targets, *, removed: bool) -> str:
    """Files that are `removed` while they are open are not found by their names."""
    kept = []
    for number in range(targets["too_many_mb"]):
        path = Path(f"part{number}")
        file = path.open("wb", buffering=0)
        file.write(bytes(1 << 20))
        if removed:
            path.unlink()
            kept.append(file)
        else:
            file.close()
    return f"{targets['too_many_mb']} MB"


def raise_a_limit(targets: Targets) -> str:
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        if resource.getrlimit(kind)[1] == resource.RLIM_INFINITY:
            return f"limit {kind} is not hard"
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as error:
        raise Refused(str(error)) from error
    return "CPU time is unlimited"


ATTACKS: dict[str, Attack] = {
    function.__name__.replace("_", " "): function
    for function in (
        *FILE_ATTACKS,
        signal_the_worker_by_a_pipe,
        signal_the_worker_by_a_thread,
        choose_the_signal_of_a_pipe,
        signal_the_worker_by_a_socket,
        signal_the_workers_group_by_a_socket,
        read_the_workers_environment,
        read_the_workers_memory,
        attach_to_the_worker,
        read_the_workers_memory_by_address,
        take_a_connection_of_the_worker,
        signal_the_worker,
        limit_the_worker,
        slow_down_the_worker,
        ask_postgres_as_superuser,
        ask_redis,
        ask_the_vector_store,
        connect_by_tcp,
        connect_to_an_abstract_socket,
        send_a_datagram,
        open_a_netlink_socket,
        open_a_packet_socket,
        open_a_vsock_socket,
        make_a_user_namespace,
        fork_into_a_user_namespace,
        mount_a_file_system,
        change_the_root_folder,
        set_up_io_uring,
        load_a_bpf_program,
        count_performance_events,
        handle_page_faults,
        join_a_keyring,
        make_a_call_that_is_not_listed,
        use_the_other_abi,
        use_the_other_architecture,
        keep_memory_beyond_the_limit,
        keep_shared_memory,
        raise_a_limit,
        leave_a_process_behind,
        fork_without_end,
    )
}


def try_all(targets: Targets) -> dict[str, str]:
    """{attack: what it has got, or "" when it was refused}."""
    return {name: _try(attack, targets) for name, attack in ATTACKS.items()}


def _try(attack: Attack, targets: Targets) -> str:
    try:
        return attack(targets) or "succeeded"
    except (OSError, Refused):
        return ""
