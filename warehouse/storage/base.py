"""What every storage promises, and the addresses of buckets.

The configuration checks addresses without a store's library, so none is imported here.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

SCHEMES: Final = ("s3", "az", "gs")
"""Object stores: Amazon S3 and compatible ones, Azure Blob Storage, Google Cloud Storage."""

LINKS: Final = "published"
"""On a disk, the folder with the links of each version that was published."""

_ENDPOINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_ALLOW_HTTP: Final[Mapping[str, str]] = {
    "s3": "AWS_ALLOW_HTTP",
    "az": "AZURE_STORAGE_ALLOW_HTTP",
    "gs": "GOOGLE_ALLOW_HTTP",
}
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750
PROBE_BYTES: Final = 4096

Parts: TypeAlias = tuple[str, ...]
"""The components of a path below the root of a storage."""
Put: TypeAlias = Callable[..., None]
"""Takes the content of a file (a memoryview), then the file's parts one by one."""


class WarehouseError(Exception):
    """Something stored cannot be used: one line that names the path and the remedy.

    ``exit_code`` is the exit code of a command that fails with it.
    """

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class ObjectUrl:
    """The address of an object, or of all objects below a prefix: ``s3://bucket/prefix``."""

    scheme: str
    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> "ObjectUrl":
        """Return the address that a text gives.

        Raises:
            ValueError: with the remedy; it never contains the text, which may contain a secret.
        """
        try:
            parts = urlsplit(text.strip())
        except ValueError:  # a bracket that is never closed
            parts = urlsplit("")
        steps = parts.path.strip("/").split("/")
        if parts.scheme not in SCHEMES:
            raise ValueError("is no address of objects; write it like s3://bucket/prefix")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                "holds credentials or options; leave them to the environment (AWS_..., AZURE_..., "
                "GOOGLE_...), and write s3://bucket/prefix"
            )
        if not parts.netloc or ":" in parts.netloc or not text.strip().isprintable():
            raise ValueError("names no bucket; write it like s3://bucket/prefix")
        if steps != [""] and not all(step.strip(".") and "\\" not in step for step in steps):
            raise ValueError("has a prefix with an empty step or dots; write s3://bucket/prefix")
        return cls(parts.scheme, parts.netloc, "/".join(steps))

    @property
    def name(self) -> str:
        """The last component."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> "ObjectUrl":
        """The address one component up."""
        return ObjectUrl(self.scheme, self.bucket, self.key.rpartition("/")[0])

    def __truediv__(self, name: str) -> "ObjectUrl":
        return ObjectUrl(self.scheme, self.bucket, f"{self.key}/{name}".strip("/"))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}".rstrip("/")

    def is_relative_to(self, other: object) -> bool:
        """Return whether this is the other address or below it."""
        return f"{self}/".startswith(f"{other}/")


Location: TypeAlias = Path | ObjectUrl
"""The place of a lake or a warehouse, or of one of its files."""
Somewhere = TypeVar("Somewhere", bound=Location)
"""A folder has paths, a bucket has addresses."""


def endpoint_of(scheme: str) -> str | None:
    """Return the address of the store that the environment names, None for the cloud's own."""
    return next((os.environ[n] for n in _ENDPOINTS[scheme] if os.environ.get(n)), None)


def is_plain(endpoint: str | None) -> bool:
    """Tell whether an address of the environment is not https."""
    return endpoint is not None and not endpoint.startswith("https://")


def why_refused(scheme: str) -> str | None:
    """Return why the address that the environment names is refused, None if it is not."""
    endpoint = endpoint_of(scheme)
    is_allowed = os.environ.get(_ALLOW_HTTP[scheme], "").casefold() in ("true", "1")
    if not is_plain(endpoint) or (is_allowed and urlsplit(endpoint or "").hostname in _LOOPBACK):
        return None
    variable = next(name for name in _ENDPOINTS[scheme] if os.environ.get(name))
    return (
        f"the endpoint in the environment is not https: nothing is sent unencrypted but to this "
        f"machine itself, with {_ALLOW_HTTP[scheme]}=true; mend {variable}"
    )


class Storage(ABC):
    """The files below one root.

    Every method raises ``error``, with one line, if it cannot do its work; ``setting`` is the
    configuration key that chose the root, and is named in remedies.
    """

    is_far = False
    """Whether each request goes over a network, so that none should be repeated."""

    def __init__(self, setting: str, error: type[WarehouseError]) -> None:
        self._setting = setting
        self._error = error

    @abstractmethod
    def path(self, *parts: str) -> Location:
        """Return where the parts point, unchecked."""

    @abstractmethod
    def has(self, *parts: str) -> bool:
        """Return whether there is such a file."""

    @abstractmethod
    def names(self, *parts: str) -> list[str]:
        """Return the sorted names in a folder; none if it is missing."""

    def names_of(self, *folders: Parts) -> list[list[str]]:
        """Return the sorted names in each folder; none for one that is missing."""
        return [self.names(*parts) for parts in folders]

    @abstractmethod
    def folders_with(self, name: str, *parts: str) -> list[str]:
        """Return the sorted names of a folder's subfolders that hold a file of this name."""

    def get(self, *parts: str) -> bytes | None:
        """Return the content of a file, None if it is missing."""
        return next(self.get_each([parts]))

    @abstractmethod
    def get_each(
        self, files: Sequence[Parts], last_bytes: int | None = None
    ) -> Iterator[bytes | None]:
        """Yield the content of each file, or only its end; None if the file is missing."""

    @abstractmethod
    def put(self, content: memoryview, *parts: str) -> None:
        """Replace one file whole: readers see the old content or the new, never a mix."""

    @abstractmethod
    def probe(self, *folder: str) -> None:
        """Write a small file and leave nothing behind, not even a folder; needs no lock.

        A full disk or missing permission is noticed early.
        """

    @abstractmethod
    def at_once(self) -> AbstractContextManager[Put]:
        """Give a replacement for ``put``: what it writes counts together, or not at all.

        Files go in place grouped by their first component, in order. Needs a lock. If the process
        is killed meanwhile, ``recover`` finishes or sweeps.
        """

    @abstractmethod
    def recover(self) -> None:
        """Finish or sweep what a killed ``at_once`` or ``scratch`` left behind. Needs a lock."""

    @abstractmethod
    def delete(self, *parts: str) -> None:
        """Remove a file or a whole folder; a missing one is fine."""

    def delete_each(self, files: Sequence[Parts]) -> None:
        """Remove files or whole folders, in any order; missing ones are fine."""
        for parts in files:
            self.delete(*parts)

    @abstractmethod
    def lock(self, name: str, busy: WarehouseError) -> AbstractContextManager[None]:
        """Hold a lock of the root; raise ``busy`` at once if anyone else holds it.

        A dead holder loses the lock; two threads of one process exclude each other too.
        """

    @abstractmethod
    def scratch(self) -> AbstractContextManager[Path]:
        """Give an empty private folder on this machine; remove it afterwards."""

    @abstractmethod
    def near(self, files: Sequence[Parts]) -> AbstractContextManager[list[Path]]:
        """Give local paths at which the files can be read within the block.

        No file may be missing. The paths end like the files' names.
        """

    def ahead(self, files: Sequence[Parts]) -> AbstractContextManager[object]:
        """Start fetching files that ``near`` will be asked for, if they are far; all exist."""
        return nullcontext(files)

    @abstractmethod
    def building(self, name: str) -> AbstractContextManager[Path]:
        """Give an empty local folder to build in; ``keep`` takes files from it."""

    @abstractmethod
    def keep(self, built: Mapping[Parts, Path]) -> None:
        """Move files and folders of files from ``building`` in place, read-only from then on.

        They arrive in order: what points to a file must come after it.
        """

    @abstractmethod
    def show(
        self, current: str, version: str, names: Mapping[str, Parts | None], *, is_copied: bool
    ) -> None:
        """Make fixed names of the root lead to files or folders that are kept, all in one step.

        A name with None leads nowhere from then on. ``current`` is the pointer that is swapped,
        ``version`` what it is swapped to; later versions sort after earlier ones. With
        ``is_copied`` the names are plain copies, each replaced whole, one after another.
        """

    @abstractmethod
    def shown(self, current: str, name: str) -> Parts | None:
        """Return the parts that a fixed name leads to; None if there is none, () for a copy.

        The links of a version may lie between: ``LINKS``, the version, the name.
        """
