"""Files and folders that only their own user may open."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_data_folder(folder: Path) -> None:
    """Make it, if it is not there. Raises ImproperlyConfigured if OYL cannot work in it."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {folder} cannot be used: {error.strerror}. Let OYL's user write there, or choose another"
            " one by OYL_DATA_DIR."
        ) from error


def open_to_others(folder: Path) -> Iterator[Path]:
    """Yield the folder, and what is below it at any depth, where the group or others have any right. Links are not
    followed."""
    folders = [folder]
    if folder.stat().st_mode & _OTHERS:
        yield folder
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    continue
                with suppress(FileNotFoundError):  # removed meanwhile
                    if entry.stat().st_mode & _OTHERS:
                        yield Path(entry)
                if entry.is_dir():
                    folders.append(Path(entry))


def close_to_others(folder: Path) -> int:
    """Take the rights of the group and of others away; return the number of files and folders that had any. Raises
    PermissionError for those of other users."""
    count = 0
    for path in open_to_others(folder):
        with suppress(FileNotFoundError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)
            count += 1
    return count
