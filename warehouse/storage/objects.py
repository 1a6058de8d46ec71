"""Storage in a bucket of S3, Azure or Google, by obstore.

Nothing is ever renamed. A file is one PUT, which readers see whole; versions are uploaded under
their own names and never change; the pointer to them is one small object that is swapped by its
tag. Credentials come from the cloud: environment, instance or workload identity.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from warehouse.storage.base import (
    PROBE_BYTES,
    ObjectUrl,
    Parts,
    Put,
    Storage,
    WarehouseError,
)
from warehouse.storage.lease import Found, Lease, Tag
from warehouse.storage.scratch import Fetched, scratch_folder
from warehouse.storage.signin import REMEDIES, code_of, open_store

_STAGING: Final = ".staging"
_NOW: Final = ".now"
_AT_ONCE: Final = 32
"""Requests in flight: each waits some 20 ms for the store, mostly for the network."""
_CHUNK_BYTES: Final = 1 << 20
_NO_BUCKET: Final = ("NoSuchBucket", "ContainerNotFound")
_T = TypeVar("_T")


class ObjectStorage(Storage):
    """The objects below one prefix. Parts are components of a key relative to it."""

    is_far = True

    def __init__(self, root: ObjectUrl, setting: str, error: type[WarehouseError]) -> None:
        super().__init__(setting, error)
        self.root = root
        self._lease: Lease | None = None
        self._fetched = Fetched(self.scratch, self._fetch, _AT_ONCE)
        self._store = open_store(root, error)

    def path(self, *parts: str) -> ObjectUrl:
        """Return where the parts point, unchecked."""
        return self.root / "/".join(parts) if parts else self.root

    def has(self, *parts: str) -> bool:
        """Return whether there is such an object."""
        with self._errors(parts, is_needed=False):
            obstore.head(self._store, _key(parts))
            return True
        return False

    def names(self, *parts: str) -> list[str]:
        """Return the sorted names below a prefix; none if there is nothing."""
        with self._errors(parts):
            found = obstore.list_with_delimiter(self._store, _key(parts) or None)
        keys = [*found["common_prefixes"], *(each["path"] for each in found["objects"])]
        return sorted(key.rpartition("/")[2] for key in keys)

    def names_of(self, *folders: Parts) -> list[list[str]]:
        """Return the sorted names below each prefix, in the time of one request."""
        return [*_in_parallel(self.names, folders)]

    def folders_with(self, name: str, *parts: str) -> list[str]:
        """Return the sorted names below a prefix that have an object of this name below them."""
        start = f"{_key(parts)}/"
        below = (key.removeprefix(start).split("/") for key in self._sizes(parts))
        return sorted(steps[0] for steps in below if steps[1:] == [name])

    def get_each(
        self, files: Sequence[Parts], last_bytes: int | None = None
    ) -> Iterator[bytes | None]:
        """Yield the content of each object, or only its end; None if the object is missing.

        The following ones are fetched meanwhile.
        """
        sizes: dict[str, int] = {}
        if last_bytes is not None:
            for folder in {parts[:-2] for parts in files}:
                sizes |= self._sizes(folder)

        def get(*parts: str) -> bytes | None:
            key = _key(parts)
            offset = max(0, sizes.get(key, 0) - (last_bytes or 0)) if last_bytes else 0
            options: Any = {"range": {"offset": offset}} if offset else None
            with self._errors(parts, is_needed=False):
                return bytes(obstore.get(self._store, key, options=options).bytes())
            return None

        return _in_parallel(get, files)

    def put(self, content: memoryview, *parts: str) -> None:
        """Replace one object whole."""
        self._check()
        with self._errors(parts):
            obstore.put(self._store, _key(parts), bytes(content))

    def probe(self, *folder: str) -> None:
        """Write and remove a small object."""
        self.put(memoryview(bytes(PROBE_BYTES)), *folder, ".probe")
        self.delete(*folder, ".probe")

    @contextmanager
    def at_once(self) -> Iterator[Put]:
        """Give a replacement for ``put``: what it writes counts together, or not at all.

        Objects are uploaded aside. They count once the lease is swapped to one that names them,
        which a holder that was taken over cannot do; then the store copies them in place, many at
        a time. If the process is killed meanwhile, ``recover`` finishes.
        """
        token = uuid4().hex
        targets: list[Parts] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            uploads: deque[Future[None]] = deque()

            def put(content: memoryview, *parts: str) -> None:
                if len(uploads) >= _AT_ONCE:
                    uploads.popleft().result()
                aside = (_STAGING, token, str(len(targets)))
                uploads.append(pool.submit(self.put, content, *aside))
                targets.append(parts)

            yield put
            for upload in uploads:
                upload.result()
        if targets:
            order = json.dumps(targets).encode()
            self.put(memoryview(order), _STAGING, token, "order")
            self._held().commit(token)
            self.recover()

    def recover(self) -> None:
        """Finish what was committed, and sweep what was not."""
        token = self._held().committed
        if token is not None:
            order = self.get(_STAGING, token, "order")
            if order is None:
                raise self._lost()
            targets: list[list[str]] = json.loads(order)
            for group in dict.fromkeys(parts[0] for parts in targets):
                numbers = [number for number, parts in enumerate(targets) if parts[0] == group]
                self._copy_all(
                    ((_STAGING, token, str(number)), tuple(targets[number])) for number in numbers
                )
            self._held().commit(None)
        self.delete(_STAGING)

    def _copy_all(self, pairs: Iterable[tuple[Parts, Parts]]) -> None:
        for _ in _in_parallel(self._copy, list(pairs)):
            pass

    def _copy(self, source: Parts, target: Parts) -> None:
        self._check()
        with self._errors(target):
            obstore.copy(self._store, _key(source), _key(target))

    def delete(self, *parts: str) -> None:
        """Remove an object, or everything below a prefix; a missing one is fine."""
        self._check()
        keys = [*self._sizes(parts)]
        if not keys and self.has(*parts):
            keys = [_key(parts)]
        if keys:
            with self._errors(parts):
                obstore.delete(self._store, keys)

    def delete_each(self, files: Sequence[Parts]) -> None:
        """Remove objects, or all below prefixes, in the time of one removal."""
        for _ in _in_parallel(self.delete, files):
            pass

    @contextmanager
    def lock(self, name: str, busy: WarehouseError) -> Iterator[None]:
        """Hold an object with a lease and keep renewing it; raise ``busy`` if anyone else holds it.

        If the holder dies, the lock is held until the lease expires.
        """
        with Lease(self, name, self._lost()).held(busy) as lease:
            self._lease = lease
            try:
                yield
            finally:
                self._lease = None

    def scratch(self) -> AbstractContextManager[Path]:
        """Give an empty private folder on this machine; remove it afterwards."""
        return scratch_folder(self._error)

    @contextmanager
    def near(self, files: Sequence[Parts]) -> Iterator[list[Path]]:
        """Fetch the objects to scratch and give their paths there.

        Objects that this storage has fetched already are not fetched again: all who read them at
        the same time share one copy.
        """
        with self._fetched.held(files) as paths:
            yield [path.result() for path in paths]

    @contextmanager
    def ahead(self, files: Sequence[Parts]) -> Iterator[None]:
        """Start fetching objects that ``near`` will be asked for."""
        with self._fetched.held(files):
            yield

    def _fetch(self, parts: Parts, path: Path) -> None:
        with self._errors(parts):
            found = obstore.get(self._store, _key(parts))
            with path.open("wb") as file:
                if found.meta["size"] <= _CHUNK_BYTES:
                    file.write(found.bytes())
                else:
                    for chunk in found.stream(_CHUNK_BYTES):
                        file.write(chunk)

    def building(self, name: str) -> AbstractContextManager[Path]:
        """Give an empty local folder to build in, from which ``keep`` takes.

        Sweeps what workers of a killed build shared below the name.
        """
        if self._sizes((name,)):
            self.delete(name)
        return self.scratch()

    def keep(self, built: Mapping[Parts, Path]) -> None:
        """Upload files and folders of files, many at a time; the last one after all others."""
        files = []
        for parts, source in built.items():
            if source.is_dir():
                files += [((*parts, file.name), file) for file in sorted(source.iterdir())]
            else:
                files.append((parts, source))

        def upload(parts: Parts, file: Path) -> None:
            self._check()
            with self._errors(parts):
                obstore.put(self._store, _key(parts), file)

        for group in (files[:-1], files[-1:]):
            for _ in _in_parallel(upload, group):
                pass

    def show(
        self, current: str, version: str, names: Mapping[str, Parts | None], *, is_copied: bool
    ) -> None:
        """Swap the one object that says what each name leads to; with ``is_copied`` copy too.

        It never goes back: a version that is not later than the current one is refused, and so is a
        builder that another took over. Renewing the lease between look and swap detects that: a
        takeover before it changed the lease, one after it changes the object to be swapped.
        """
        key = f"{current}.json"
        found = self.look_at(key)
        self._held().commit(self._held().committed)
        before: dict[str, Any] = {"version": "", "is_copied": False}
        before = json.loads(found.content) if found else before
        content = {
            "version": version,
            "names": {name: "/".join(parts) for name, parts in names.items() if parts},
            "is_copied": is_copied,
        }
        is_later = version > before["version"]
        encoded = json.dumps(content, indent=2).encode()
        if not is_later or self.swap(key, encoded, found.tag if found else None) is None:
            raise self._lost()
        for name, parts in names.items():
            if before["is_copied"] and not (is_copied and parts):
                self.delete(name)
            elif is_copied and parts:
                self._copy_whole(parts, name)

    def _copy_whole(self, parts: Parts, name: str) -> None:
        """Copy a file, or the files of a folder, to a fixed name; remove others there."""
        start = _key(parts)
        wanted = [key.removeprefix(f"{start}/") for key in self._sizes(parts)]
        if wanted:
            self._copy_all(((*parts, each), (name, each)) for each in wanted)
            for other in {*self.names(name)} - {*wanted}:
                self.delete(name, other)
        else:
            self._copy_all([(parts, (name,))])

    def shown(self, current: str, name: str) -> Parts | None:
        """Return the parts that a fixed name leads to, None if it leads nowhere."""
        found = self.look_at(f"{current}.json")
        target = json.loads(found.content)["names"].get(name) if found else None
        return tuple(target.split("/")) if target else None

    def look_at(self, key: str) -> Found | None:
        """Return a small object, None if it is missing."""
        with self._errors((key,), is_needed=False):
            found = obstore.get(self._store, key)
            meta = found.meta
            tag: Tag = {"e_tag": meta["e_tag"], "version": meta["version"]}
            return Found(bytes(found.bytes()), tag, meta["last_modified"])
        return None

    def swap(self, key: str, content: bytes, tag: Tag | None) -> Tag | None:
        """Replace the object that has the tag (None: none may exist); None if another was faster.

        If the answer got lost, the object's content tells who was faster.
        """
        mode: Any = "create" if tag is None else {k: v for k, v in tag.items() if v is not None}
        with self._errors((key,)):
            try:
                put = obstore.put(self._store, key, content, mode=mode, use_multipart=False)
                return {"e_tag": put["e_tag"], "version": put["version"]}
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                found = self.look_at(key)
            except BaseError:
                found = self.look_at(key)
                if found is None or found.content != content:
                    raise
        return found.tag if found and found.content == content else None

    def now(self) -> datetime:
        """Return the time by the store's clock, which dates objects."""
        with self._errors((_NOW,)):
            obstore.put(self._store, _NOW, b"")
            return obstore.head(self._store, _NOW)["last_modified"]

    def _sizes(self, parts: Parts) -> dict[str, int]:
        """Return the size of every object below a prefix, by key."""
        with self._errors(parts):
            batches = obstore.list(self._store, _key(parts) or None, chunk_size=1000)
            return {each["path"]: each["size"] for batch in batches for each in batch}

    def _held(self) -> Lease:
        if self._lease is None:
            raise RuntimeError("no lock is held")
        return self._lease

    def _check(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def _lost(self) -> WarehouseError:
        return self._error(
            f"{self.root}: another run took over, since this one was silent for too long: "
            "nothing more is written: run it again once the other has ended"
        )

    @contextmanager
    def _errors(self, parts: Parts, *, is_needed: bool = True) -> Iterator[None]:
        """Turn obstore's errors into one line; their own texts quote whole answers.

        Unless it is needed, a missing object ends the block; a missing bucket is always an error.
        """
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            code = code_of(error)
            is_missing = isinstance(error, FileNotFoundError) and code not in _NO_BUCKET
            if is_missing and not is_needed:
                return
            remedy = REMEDIES.get(code) or "see to the store and its endpoint, and try again"
            shown = remedy.format(setting=self._setting, root=self.root)
            raise self._error(f"{self.path(*parts)}: {code}: {shown}") from None


def _key(parts: Parts) -> str:
    return "/".join(parts)


def _in_parallel(step: Callable[..., _T], files: Sequence[tuple[Any, ...]]) -> Iterator[_T]:
    """Yield the result of each step in order; the following ones run meanwhile."""
    with ThreadPoolExecutor(min(_AT_ONCE, len(files) or 1)) as pool:
        waiting = iter(files)
        running = deque(pool.submit(step, *each) for each in islice(waiting, _AT_ONCE))
        try:
            while running:
                result = running.popleft().result()
                running.extend(pool.submit(step, *each) for each in islice(waiting, 1))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
