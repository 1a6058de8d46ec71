"""Files below a folder of a POSIX disk.

A file is written aside, synced and moved into place, so that readers see it whole, with modes that
no umask loosens. Nothing planted is trusted: every component below the root is checked before use,
and folders that everybody can write are refused, so nobody untrusted can swap a component between
the check and the use. No library checks a whole path like this.
"""

import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from warehouse.storage.base import (
    FILE_MODE,
    FOLDER_MODE,
    PROBE_BYTES,
    Parts,
    Put,
    Storage,
    WarehouseError,
)

_READ_ONLY: Final = FILE_MODE & ~0o222
_ASIDE: Final = ".staging"
_READY: Final = ".ready"


class Folder(Storage):
    """The files below one folder. Parts are path components relative to it."""

    def __init__(self, root: Path, setting: str, error: type[WarehouseError]) -> None:
        super().__init__(setting, error)
        self.root = root.absolute()

    def path(self, *parts: str) -> Path:
        """Return where the parts point, unchecked."""
        return self.root.joinpath(*parts)

    def look(self, *parts: str) -> os.stat_result | None:
        """Return what is there, None if nothing is; check every component on the way."""
        with self.errors("read"):
            try:
                path = str(self.root)
                found = os.stat(path)  # noqa: PTH116 - thousands of files, at half the time
                owners = {0, os.geteuid(), found.st_uid}
                self._trust(path, found, owners)
                for part in parts:
                    path = f"{path}/{part}"
                    found = os.lstat(path)
                    self._trust(path, found, owners)
            except FileNotFoundError:
                return None
            return found

    def names(self, *parts: str) -> list[str]:
        """Return the sorted names in a folder; none if it is missing."""
        with self.errors("read"):
            return sorted(os.listdir(self.path(*parts))) if self.has(*parts) else []  # noqa: PTH208

    def has(self, *parts: str) -> bool:
        """Return whether there is such a file."""
        return self.look(*parts) is not None

    def folders_with(self, name: str, *parts: str) -> list[str]:
        """Return the sorted names of a folder's subfolders that hold a file of this name."""
        with os.scandir(self.path(*parts)) if self.has(*parts) else nullcontext(()) as entries:
            folders = sorted(
                each.name for each in entries if not each.is_file(follow_symlinks=False)
            )
        return [folder for folder in folders if self.has(*parts, folder, name)]

    def get_each(
        self, files: Sequence[Parts], last_bytes: int | None = None
    ) -> Iterator[bytes | None]:
        """Yield the content of each file, or only its end; None if the file is missing."""
        for parts in files:
            content = None
            if self.look(*parts) is not None:
                with (
                    self.errors("read"),
                    suppress(FileNotFoundError),  # it may have gone since
                    # Path.open takes no opener, and os.fdopen names a folder by its number.
                    open(self.path(*parts), "rb", opener=_open_no_link) as file,
                ):
                    if last_bytes is not None:
                        file.seek(max(0, os.fstat(file.fileno()).st_size - last_bytes))
                    content = file.read()
            yield content

    def ensure(self, *parts: str) -> Path:
        """Return the folder; create it and its parents if they are missing."""
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
        """Replace one file whole; a killed writer leaves its draft in ``.staging``."""
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
            sync(folder)

    def probe(self, *folder: str) -> None:
        """Write a small file without a name into a folder, or into its nearest existing parent."""
        self.look(*folder)
        path = self.path(*folder)
        with self.errors("written"):
            there = next(each for each in (path, *path.parents) if os.path.lexists(each))
            try:
                with tempfile.TemporaryFile(dir=there, buffering=0) as file:
                    file.write(bytes(PROBE_BYTES))
                    os.fsync(file.fileno())
            except OSError as error:
                error.filename = str(there)  # not the name of a temporary file
                raise

    @contextmanager
    def at_once(self) -> Iterator[Put]:
        """Give a replacement for ``put``: what it writes counts together, or not at all.

        Files are written aside, and moved in place after the last one. If the process is killed
        before that, everything stays as it was; if during the moves, ``recover`` finishes them.
        """
        self.delete(_ASIDE, _READY)
        targets: list[Parts] = []

        def put(content: memoryview, *parts: str) -> None:
            self.put(content, _ASIDE, _READY, str(len(targets)))
            targets.append(parts)

        yield put
        if targets:
            order = "\n".join("/".join(parts) for parts in targets).encode()
            self.put(memoryview(order), _ASIDE, _READY, "order")
            self.move((_ASIDE, _READY), (_READY,))
            self._put_in_place()

    def recover(self) -> None:
        """Finish or sweep what a killed ``at_once`` or ``scratch`` left behind."""
        self.delete(_ASIDE)
        self._put_in_place()

    def _put_in_place(self) -> None:
        targets = (self.get(_READY, "order") or b"").decode().splitlines()
        for group in dict.fromkeys(line.split("/")[0] for line in targets):
            for number, line in enumerate(targets):
                parts = tuple(line.split("/"))
                if parts[0] == group and self.look(_READY, str(number)):
                    self.move((_READY, str(number)), parts)
        self.delete(_READY)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty private folder on the same disk; remove it afterwards."""
        folder = (_ASIDE, f"run-{os.getpid()}-{threading.get_ident()}")
        try:
            yield self.ensure(*folder)
        finally:
            self.delete(*folder)

    @contextmanager
    def near(self, files: Sequence[Parts]) -> Iterator[list[Path]]:
        """Check the files and give their paths."""
        for parts in files:
            self.look(*parts)
        yield [self.path(*parts) for parts in files]

    def move(self, source: Parts, target: Parts) -> None:
        """Move a file or folder over another file, or to where nothing is, in one step."""
        folder = self.ensure(*target[:-1])
        self.look(*source)
        self.look(*target)
        with self.errors("written"):
            self.path(*source).replace(self.path(*target))
            sync(folder)

    def append(self, content: memoryview, *parts: str) -> None:
        """Append to a scratch file: neither atomic nor durable if the process dies."""
        self.look(*parts)
        path = self.path(*parts)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with self.errors("written"), os.fdopen(os.open(path, flags, FILE_MODE), "wb") as file:
            file.write(content)

    def delete(self, *parts: str) -> None:
        """Remove a file or a whole folder; a missing one is fine."""
        if found := self.look(*parts):
            path = self.path(*parts)
            with self.errors("written"):
                shutil.rmtree(path) if stat.S_ISDIR(found.st_mode) else path.unlink()
                sync(path.parent)

    @contextmanager
    def lock(self, name: str, busy: WarehouseError) -> Iterator[None]:
        """Hold a lock file of the root; raise ``busy`` at once if anyone else holds it.

        The kernel releases it when the process ends, however that happens.
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

    def _trust(self, path: str, found: os.stat_result, owners: set[int]) -> None:
        mode = found.st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            raise self._error(f"{path}: is a symlink or a special file, not followed: remove it")
        if found.st_uid not in owners:
            raise self._error(f"{path}: belongs to another user, not trusted: remove it")
        if mode & stat.S_IWOTH:
            raise self._error(f"{path}: everybody can write it: take that away (chmod o-w)")

    @contextmanager
    def errors(self, verb: str) -> Iterator[None]:
        """Turn the system's errors into one line; ``verb`` says what failed for the path."""
        try:
            yield
        except OSError as error:
            path = error.filename or self.root
            reason = error.strerror or type(error).__name__
            raise self._error(
                f"{path}: cannot be {verb} ({reason}): see to its permissions and disk, "
                f"or change '{self._setting}' in the configuration"
            ) from None


def sync(path: Path, *, is_sealed: bool = False) -> None:
    """Make a folder's entries durable after a rename; or a finished file, sealed read-only."""
    kind = os.O_NOFOLLOW if is_sealed else os.O_DIRECTORY
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | kind)
    try:
        if is_sealed:
            os.fchmod(descriptor, _READ_ONLY)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _make(folder: Path) -> None:
    """Create one folder; it inherits a setgid bit, and so keeps an operator's group."""
    try:
        folder.mkdir(FOLDER_MODE)
    except FileExistsError:
        return
    inherited = folder.lstat().st_mode & stat.S_ISGID
    folder.chmod(FOLDER_MODE | inherited)
    sync(folder.parent)
