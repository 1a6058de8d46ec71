"""What readers open: pointers that are swapped to a version, or plain copies of it.

Belongs here: bringing the latest version to the fixed names, whole, in either way.
Does not belong here: which version that is and where versions lie (``versions.py``).

A symlink is swapped by one rename, for a folder of files as for one file. A plain copy is for
file shares without symlinks: each file is replaced by one rename, so that every file is whole,
but the files of a folder change one after another.
"""

import os
import shutil
from pathlib import Path

from warehouse.storage import FILE_MODE, DiskStorage, sync_folder

_READ_ONLY = FILE_MODE & ~0o222


def seal(path: Path) -> None:
    """Make a finished file read-only, for owner and group, and durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, _READ_ONLY)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def point(tree: DiskStorage, name: str, target: Path, aside: Path) -> None:
    """Swap the symlink ``name`` to a target relative to the root; ``aside`` is on the same disk."""
    with tree.errors("written"):
        if _is_folder(tree.path(name)):
            shutil.rmtree(tree.path(name))  # it was a copy before
        aside.symlink_to(target)
        aside.replace(tree.path(name))
        sync_folder(tree.root)


def copy_file(tree: DiskStorage, source: Path, aside: Path, *parts: str) -> None:
    """Replace one file by a copy of the source."""
    with tree.errors("written"):
        shutil.copyfile(source, aside)
        seal(aside)
        aside.replace(tree.path(*parts))
        sync_folder(tree.path(*parts).parent)


def copy_folder(tree: DiskStorage, source: Path, aside: Path, name: str) -> None:
    """Replace the files of a folder by copies, one after another; others in it are removed."""
    with tree.errors("written"):
        if tree.path(name).is_symlink():
            tree.path(name).unlink()
    tree.ensure(name)
    wanted = sorted(path.name for path in source.iterdir())
    for each in wanted:
        copy_file(tree, source / each, aside, name, each)
    for other in set(tree.list(name)) - set(wanted):
        tree.delete(name, other)


def remove_pointer(tree: DiskStorage, name: str) -> None:
    """Remove a pointer or a copied folder whose version has nothing for it."""
    with tree.errors("written"):
        if _is_folder(tree.path(name)):
            shutil.rmtree(tree.path(name))
        else:
            tree.path(name).unlink(missing_ok=True)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
