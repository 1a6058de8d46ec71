"""Where bytes lie: a folder on a POSIX disk. Another place (an object store) is a second class.

A file is written aside, synced and moved into place, so that readers see it whole, with modes that
no umask loosens. Nothing planted is trusted: every component below the root is looked at before
use, and no folder that everybody can write is accepted, so nobody untrusted can swap a component
between the look and the use. No library checks a whole path like this.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750
_ASIDE: Final = ".staging"


class WarehouseError(Exception):
    """Something stored cannot be used as it is: one line that names the path and the remedy."""


class DiskStorage:
    """The files below one root. Parts are path components relative to it.

    ``setting`` is the key of the configuration that chose the root, named in remedies;
    ``error`` is the class of what every method raises.
    """

    def __init__(self, root: Path, setting: str, error: type[WarehouseError]) -> None:
        self.root = root.absolute()
        self._setting = setting
        self._error = error

    def path(self, *parts: str) -> Path:
        """Return where the parts point, unchecked."""
        return self.root.joinpath(*parts)

    def look(self, *parts: str) -> os.stat_result | None:
        """Return what is there, None if nothing is; every component is checked on the way."""
        with self.errors("read"):
            try:
                found = self.root.stat()
                self._trust(self.root, found, {0, os.geteuid(), found.st_uid})
                owners = {0, os.geteuid(), found.st_uid}
                path = self.root
                for part in parts:
                    path = path / part
                    found = path.lstat()
                    self._trust(path, found, owners)
            except FileNotFoundError:
                return None
            return found

    def list(self, *parts: str) -> list[str]:
        """Return the sorted names in a folder; none if it is missing."""
        if self.look(*parts) is None:
            return []
        with self.errors("read"):
            return sorted(os.listdir(self.path(*parts)))  # noqa: PTH208 - names, not paths

    def get(self, *parts: str) -> bytes | None:
        """Return the content of a file, None if it is missing."""
        if self.look(*parts) is None:
            return None
        with self.errors("read"):
            try:
                descriptor = os.open(self.path(*parts), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                return file.read()

    def ensure(self, *parts: str) -> Path:
        """Return the folder, created with its parents where they are missing."""
        with self.errors("written"):
            missing = [folder for folder in (self.root, *self.root.parents) if not folder.exists()]
            for folder in reversed(missing):
                _make(folder)
            for depth in range(1, len(parts) + 1):
                if self.look(*parts[:depth]) is None:
                    _make(self.path(*parts[:depth]))
        self.look(*parts)
        return self.path(*parts)

    def put(self, content: memoryview, *parts: str) -> None:
        """Replace one file whole: readers see the old content or the new, never a part.

        A killed writer leaves its draft in ``.staging``, on the same disk.
        """
        drafts = self.ensure(_ASIDE)
        folder = self.ensure(*parts[:-1])
        self.look(*parts)
        with self.errors("written"):
            descriptor, draft = tempfile.mkstemp(dir=drafts, prefix="draft-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fchmod(file.fileno(), FILE_MODE)
                    os.fsync(file.fileno())
                Path(draft).replace(folder / parts[-1])
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            sync_folder(folder)

    def move(self, source: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Put a file or folder in the place of another file, or where nothing is, in one step."""
        folder = self.ensure(*target[:-1])
        self.look(*source)
        self.look(*target)
        with self.errors("written"):
            self.path(*source).replace(self.path(*target))
            sync_folder(folder)

    def append(self, content: memoryview, *parts: str) -> None:
        """Add to the end of a scratch file: neither whole nor durable if the process dies."""
        self.look(*parts)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with self.errors("written"):
            descriptor = os.open(self.path(*parts), flags, FILE_MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)

    def delete(self, *parts: str) -> bool:
        """Remove a file or a whole folder; return whether there was one."""
        found = self.look(*parts)
        if found is None:
            return False
        path = self.path(*parts)
        with self.errors("written"):
            shutil.rmtree(path) if stat.S_ISDIR(found.st_mode) else path.unlink()
            sync_folder(path.parent)
        return True

    @contextmanager
    def lock(self, name: str, busy: WarehouseError) -> Iterator[None]:
        """Hold a lock file of the root; raise ``busy`` at once if anyone else does.

        The kernel lets go of it when the process ends, however it ends. Two threads of one
        process exclude each other too.
        """
        self.ensure()
        self.look(name)
        lock = FileLock(self.path(name), timeout=0, thread_local=False)
        with self.errors("written"):
            try:
                lock.acquire()
            except Timeout:
                raise busy from None
        try:
            if self.path(name).lstat().st_nlink == 1:  # a hard link may be another's secret
                self.path(name).chmod(FILE_MODE)
            yield
        finally:
            lock.release()

    def _trust(self, path: Path, found: os.stat_result, owners: set[int]) -> None:
        mode = found.st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            raise self._error(f"{path}: is a symlink or a special file, not followed: remove it")
        if found.st_uid not in owners:
            raise self._error(f"{path}: belongs to another user, not trusted: remove it")
        if mode & stat.S_IWOTH:
            raise self._error(f"{path}: everybody can write it: take that away (chmod o-w)")

    @contextmanager
    def errors(self, verb: str) -> Iterator[None]:
        """Turn the system's errors into one line; ``verb`` is what cannot be done to the path."""
        try:
            yield
        except OSError as error:
            path = error.filename or self.root
            reason = error.strerror or type(error).__name__
            raise self._error(
                f"{path}: cannot be {verb} ({reason}): see to its permissions and disk, "
                f"or change '{self._setting}' in the configuration"
            ) from None


def sync_folder(folder: Path) -> None:
    """Make the folder's entries last: a rename is only durable with its folder synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(folder: Path) -> None:
    """Create one folder; an inherited setgid bit stays, so that an operator's group does too."""
    try:
        folder.mkdir(FOLDER_MODE)
    except FileExistsError:
        return
    inherited = folder.lstat().st_mode & stat.S_ISGID
    folder.chmod(FOLDER_MODE | inherited)
    sync_folder(folder.parent)
