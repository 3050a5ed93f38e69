"""What a hostile file's code tries inside the parser. Each function returns what it has got, or raises OSError when it is
refused; an attack that finds nothing to take raises `Refused`."""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines.parsing import frames

Targets = dict[str, Any]
MARK = "infected by the file of another tenant"
STOLEN: list[str] = []  # what an infection would leave for the next file
libc = ctypes.CDLL(None, use_errno=True)
_X86 = platform.machine() == "x86_64"
_PTRACE_ATTACH = 16
_DESCENDANTS = 100


class Refused(Exception):
    """The attack finds nothing that it could take."""


def system_call(number: int, *arguments: object) -> int:
    result = int(libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def by_machine(x86: int, arm: int) -> int:
    return x86 if _X86 else arm


def read_secrets(targets: Targets) -> str:
    return Path(targets["secrets"]).read_text()


def read_another_tenants_file(targets: Targets) -> str:
    return Path(targets["tenant_file"]).read_text()


def read_through_a_link(targets: Targets) -> str:
    Path("link").symlink_to(targets["secrets"])
    return Path("link").read_text()


def list_the_data_folder(targets: Targets) -> str:
    return str([*Path(targets["data"]).iterdir()])


def write_into_the_data_folder(targets: Targets) -> str:
    return _write(Path(targets["data"], f"celerybeat-schedule-{os.getpid()}"))


def write_into_the_models(targets: Targets) -> str:
    return _write(Path(targets["data"], "models", f"{os.getpid()}.onnx"))


def write_into_the_environment(targets: Targets) -> str:
    return _write(Path(sys.prefix, "lib", f"intrusion-{os.getpid()}"))


def write_into_the_code(targets: Targets) -> str:
    return _write(Path(frames.__file__).with_name(f"intrusion-{os.getpid()}"))


def write_into_the_shared_temporary_folder(targets: Targets) -> str:
    return _write(Path("/tmp", f"intrusion-{os.getpid()}"))


def _write(path: Path) -> str:
    """Where it succeeds, nothing must be left in the checkout or the environment."""
    path.write_text(MARK)
    path.unlink()
    return f"wrote {path}"


def remove_another_tenants_file(targets: Targets) -> str:
    path = Path(targets["tenant_file"])
    path.rename(path.with_suffix(".gone")).rename(path)  # and back, for the next attacks
    return "renamed"


# Other processes


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


def use_the_other_abi(targets: Targets) -> str:
    """The numbers of x32, or on ARM64 none: 39 is `getpid`."""
    return str(system_call(0x40000000 | 39))


def use_the_other_architecture(targets: Targets) -> str:
    """`int 0x80` takes the numbers of 32-bit programs: 20 is `getpid`."""
    if not _X86:
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
        kept.append(path.open("wb", buffering=0))
        kept[-1].write(bytes(1 << 20))
        if removed:
            path.unlink()
    return f"{len(kept)} MB"


def raise_a_limit(targets: Targets) -> str:
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        if resource.getrlimit(kind)[1] == resource.RLIM_INFINITY:
            return f"limit {kind} is not hard"
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as error:
        raise Refused(str(error)) from error
    return "CPU time is unlimited"


ATTACKS: dict[str, Callable[[Targets], str]] = {
    function.__name__.replace("_", " "): function
    for function in (
        read_secrets,
        read_another_tenants_file,
        read_through_a_link,
        list_the_data_folder,
        write_into_the_data_folder,
        write_into_the_models,
        write_into_the_environment,
        write_into_the_code,
        write_into_the_shared_temporary_folder,
        remove_another_tenants_file,
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


def _try(attack: Callable[[Targets], str], targets: Targets) -> str:
    try:
        return attack(targets) or "succeeded"
    except (OSError, Refused):
        return ""
