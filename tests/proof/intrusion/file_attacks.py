"""What a hostile file's code tries with files, besides its own one."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys
from pathlib import Path

from engines.parsing import frames
from tests.proof.intrusion.machine import MARK, Attack, Targets, by_machine, libc, system_call

_HERE = -100  # AT_FDCWD
_NO_ACCESS = 3  # neither O_RDONLY, O_WRONLY nor O_RDWR


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


# Files by other ways than opening them


def change_a_mode(targets: Targets) -> str:
    Path(targets["secrets"]).chmod(0o666)
    return "readable for all"


def change_a_mode_by_a_new_call(targets: Targets) -> str:
    """`fchmodat2`, since Linux 6.6."""
    return str(system_call(452, _HERE, targets["secrets"].encode(), 0o666, 0))


def change_a_mode_by_a_handle(targets: Targets) -> str:
    """A file that is opened neither for reading nor for writing needs no right of Landlock."""
    os.fchmod(os.open(targets["secrets"], _NO_ACCESS), 0o666)
    return "readable for all"


def change_an_owner(targets: Targets) -> str:
    os.chown(targets["secrets"], os.getuid(), os.getgid())
    return "changed"


def change_the_times(targets: Targets) -> str:
    os.utime(targets["secrets"], (1, 1))
    return "changed"


def set_an_attribute(targets: Targets) -> str:
    os.setxattr(targets["secrets"], "user.mark", MARK.encode())
    return "set"


def set_an_attribute_by_a_new_call(targets: Targets) -> str:
    """`setxattrat`, since Linux 6.13."""
    value = ctypes.create_string_buffer(b"1", 1)
    arguments = struct.pack("=QII", ctypes.addressof(value), 1, 0)
    return str(system_call(463, _HERE, targets["secrets"].encode(), 0, b"user.mark", arguments, 16))


def set_flags_of_a_file(targets: Targets) -> str:
    """The same flags again, so that nothing is left in the checkout."""
    with Path(frames.__file__).open("rb") as file:
        flags = fcntl.ioctl(file, 0x80086601, bytes(8))  # FS_IOC_GETFLAGS
        fcntl.ioctl(file, 0x40086602, flags)  # FS_IOC_SETFLAGS
    return "set"


def truncate_a_file(targets: Targets) -> str:
    os.truncate(targets["tenant_file"], Path(targets["tenant_file"]).stat().st_size)
    return "truncated"


def empty_a_file_by_opening_it(targets: Targets) -> str:
    return str(os.open(targets["notes"], _NO_ACCESS | os.O_TRUNC))


def watch_a_folder(targets: Targets) -> str:
    handle = libc.inotify_init1(0)
    if libc.inotify_add_watch(handle, targets["data"].encode(), 0xFFF) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    return "watched"


def watch_a_file_system(targets: Targets) -> str:
    return str(system_call(by_machine(300, 262), 0x200, os.O_RDONLY))  # fanotify_init, FAN_REPORT_FID


def be_told_who_changes_a_folder(targets: Targets) -> str:
    return str(fcntl.fcntl(os.open(Path(frames.__file__).parent, os.O_RDONLY), fcntl.F_NOTIFY, 1))


def be_told_who_opens_a_file(targets: Targets) -> str:
    return str(fcntl.fcntl(os.open(frames.__file__, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK))


FILE_ATTACKS: tuple[Attack, ...] = (
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
    change_a_mode,
    change_a_mode_by_a_new_call,
    change_a_mode_by_a_handle,
    change_an_owner,
    change_the_times,
    set_an_attribute,
    set_an_attribute_by_a_new_call,
    set_flags_of_a_file,
    truncate_a_file,
    empty_a_file_by_opening_it,
    watch_a_folder,
    watch_a_file_system,
    be_told_who_changes_a_folder,
    be_told_who_opens_a_file,
)
