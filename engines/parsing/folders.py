"""Folders that a hostile file may fill."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

_MAX_FILES = 20_000


def bytes_below(folder: str) -> int:
    """Return the size of all files in the folder on the disk; more than any limit if they are too many. Links are not
    followed."""
    total, files, folders = 0, 0, [folder]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                files += 1
                if files > _MAX_FILES:
                    return 1 << 62
                with suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    return total


def remove_folder(folder: str) -> None:
    """Remove it even if its folders are nested beyond recursion."""
    try:
        Path(folder).rmdir()
    except OSError:
        subprocess.run(["rm", "-rf", "--", folder], check=False)  # noqa: S607
