"""Private folders on this machine for the data of a run, and files fetched into one.

Nobody else may open them, and the next process removes what a killed one left behind. ``TMPDIR``
chooses the disk.
"""

import os
import shutil
import stat
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from warehouse.storage.base import Parts, WarehouseError


@contextmanager
def scratch_folder(error: type[WarehouseError]) -> Iterator[Path]:
    """Give an empty private folder; remove it afterwards.

    Raises:
        WarehouseError: of the class ``error``: the disk for it is not writable or not safe.
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
    """Remove the folders of processes that died."""
    for lock in parent.glob("*.lock"):
        try:
            with FileLock(lock, timeout=0, thread_local=False):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
        except Timeout:
            continue


class Fetched:
    """Files fetched to a scratch folder, each kept for as long as anybody holds it.

    ``fetch`` downloads a file to a path, ``at_once`` files at a time, in the order of requests.
    """

    def __init__(
        self,
        scratch: Callable[[], AbstractContextManager[Path]],
        fetch: Callable[[Parts, Path], None],
        at_once: int,
    ) -> None:
        self._scratch, self._fetch, self._at_once = scratch, fetch, at_once
        self._turn = threading.Lock()
        self._holders: Counter[Parts] = Counter()
        self._paths: dict[Parts, Future[Path]] = {}
        self._open = ExitStack()

    @contextmanager
    def held(self, files: Sequence[Parts]) -> Iterator[list[Future[Path]]]:
        """Fetch files that are neither here nor on their way; give futures of their paths.

        The paths end like the files' names.
        """
        with self._turn:
            if files and not self._holders:
                self._folder = self._open.enter_context(self._scratch())
                self._pool = ThreadPoolExecutor(self._at_once)
                self._open.callback(self._pool.shutdown)
            for parts in files:
                self._holders[parts] += 1
                if parts not in self._paths:
                    self._paths[parts] = self._pool.submit(self._path_of, parts)
            paths = [self._paths[parts] for parts in files]
        try:
            yield paths
        finally:
            with self._turn:
                self._let_go(files)

    def _path_of(self, parts: Parts) -> Path:
        path = self._folder / "+".join(parts)  # no subfolders: they take longer than the files
        self._fetch(parts, path)
        return path

    def _let_go(self, files: Sequence[Parts]) -> None:
        self._holders.subtract(files)
        self._holders = +self._holders
        gone = [self._paths.pop(parts) for parts in {*files} - {*self._holders}]
        wait([path for path in gone if not path.cancel()])
        for path in gone:
            if not path.cancelled() and path.exception() is None:
                path.result().unlink()
        if not self._holders:
            self._open.close()
