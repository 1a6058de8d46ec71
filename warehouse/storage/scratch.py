"""Folders of this machine for what a run has in hand while its data lie elsewhere.

They hold rows of the region: nobody else may open them, and what a killed process left behind the
next one removes. ``TMPDIR`` chooses the disk.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from warehouse.storage.base import WarehouseError


@contextmanager
def scratch_folder(error: type[WarehouseError]) -> Iterator[Path]:
    """Give an empty private folder, removed afterwards.

    Raises:
        WarehouseError: of the class ``error``, the disk for it cannot be written or is not safe.
    """
    parent = Path(tempfile.gettempdir(), f"room-insights-{os.geteuid()}")
    try:
        parent.mkdir(0o700, exist_ok=True)
        found = parent.lstat()
        is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not is_own or found.st_mode & 0o077:
            raise error(f"{parent}: is not a private folder of this user: remove it")
        _sweep(parent)
    except OSError as failure:
        raise error(
            f"{parent}: cannot be written ({failure.strerror}): let TMPDIR name a folder with room"
        ) from None
    folder = parent / uuid4().hex
    lock = parent / f"{folder.name}.lock"
    with FileLock(lock, thread_local=False):
        folder.mkdir(0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    lock.unlink(missing_ok=True)


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that ended without doing so."""
    for lock in parent.glob("*.lock"):
        try:
            with FileLock(lock, timeout=0, thread_local=False):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
        except Timeout:
            continue
