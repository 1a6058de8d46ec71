"""Where bytes lie: a folder on a disk, or a bucket of objects. One class each, the same verbs.

Belongs here: what every storage promises, its errors, and which one serves a place.
Does not belong here: how one keeps it (``disk.py``, ``objects.py``), what files mean (``lake.py``,
``versions.py``).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

SCHEMES: Final = ("s3", "az", "gs")
"""Where objects lie: Amazon S3 and what speaks it, Azure Blob Storage, Google Cloud Storage."""

LINKS: Final = "published"
"""The folder that holds, on a disk, the links of each version that was shown."""

FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750

Parts: TypeAlias = tuple[str, ...]
"""The components of a path below the root of a storage."""
Put: TypeAlias = Callable[..., None]
"""Takes the content of a file, a memoryview, and its parts one by one."""


class WarehouseError(Exception):
    """Something stored cannot be used as it is: one line that names the path and the remedy.

    ``exit_code`` is what a command ends with.
    """

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class ObjectUrl:
    """Where an object is, or all objects below a prefix: ``s3://bucket/prefix``."""

    scheme: str
    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> "ObjectUrl":
        """Return the place that a text names.

        Raises:
            ValueError: with the remedy; it never holds the text, which may hold a secret.
        """
        parts = urlsplit(text.strip())
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
        """What it lies in."""
        return ObjectUrl(self.scheme, self.bucket, self.key.rpartition("/")[0])

    def __truediv__(self, name: str) -> "ObjectUrl":
        return ObjectUrl(self.scheme, self.bucket, f"{self.key}/{name}".strip("/"))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}".rstrip("/")

    def is_relative_to(self, other: object) -> bool:
        """Tell whether it is another place or lies in it."""
        return f"{self}/".startswith(f"{other}/")


Location: TypeAlias = Path | ObjectUrl
"""Where a lake or a warehouse is, or a file of it."""
Somewhere = TypeVar("Somewhere", bound=Location)
"""Of a folder come paths, of a bucket addresses."""


class Storage(ABC):
    """The files below one root.

    Every method raises ``error``, with one line, where it cannot do its work; ``setting`` is the
    key of the configuration that chose the root, named in remedies.
    """

    is_far = False
    """Whether each question goes over a network, so that none is asked twice."""

    def __init__(self, setting: str, error: type[WarehouseError]) -> None:
        self._setting = setting
        self._error = error

    @abstractmethod
    def path(self, *parts: str) -> Location:
        """Return where the parts point, unchecked."""

    @abstractmethod
    def has(self, *parts: str) -> bool:
        """Tell whether there is such a file."""

    @abstractmethod
    def names(self, *parts: str) -> list[str]:
        """Return the sorted names in a folder; none if it is missing."""

    @abstractmethod
    def folders_with(self, name: str, *parts: str) -> list[str]:
        """Return the sorted names of the folders in a folder that hold a file of this name."""

    def get(self, *parts: str) -> bytes | None:
        """Return the content of a file, None if it is missing."""
        return next(self.get_each([parts]))

    @abstractmethod
    def get_each(
        self, files: Sequence[Parts], last_bytes: int | None = None
    ) -> Iterator[bytes | None]:
        """Yield the content of each file, None if it is missing; or the end of each only."""

    @abstractmethod
    def put(self, content: memoryview, *parts: str) -> None:
        """Replace one file whole: readers see the old content or the new, never a part."""

    @abstractmethod
    def at_once(self) -> AbstractContextManager[Put]:
        """Give what takes the place of ``put``; what it is given counts together, or not at all.

        Files go in place in the order of the groups that their first component makes. Needs a
        lock. What is killed half-way, ``recover`` finishes or sweeps.
        """

    @abstractmethod
    def recover(self) -> None:
        """Finish, or sweep, what a killed ``at_once`` or ``scratch`` left behind. Needs a lock."""

    @abstractmethod
    def delete(self, *parts: str) -> bool:
        """Remove a file or a whole folder; return whether there was one."""

    @abstractmethod
    def lock(self, name: str, busy: WarehouseError) -> AbstractContextManager[None]:
        """Hold a lock of the root; raise ``busy`` at once if anyone else does.

        A holder that dies holds it no longer; two threads of one process exclude each other too.
        """

    @abstractmethod
    def scratch(self) -> AbstractContextManager[Path]:
        """Give an empty private folder of this machine, removed afterwards."""

    @abstractmethod
    def near(self, files: Sequence[Parts]) -> AbstractContextManager[list[Path]]:
        """Give paths of this machine at which the files can be read meanwhile.

        None may be missing. Their names end as the files' do.
        """

    @abstractmethod
    def ahead(self, files: Sequence[Parts]) -> AbstractContextManager[object]:
        """Have files that ``near`` will be asked for fetched meanwhile; none may be missing."""

    @abstractmethod
    def building(self, name: str) -> AbstractContextManager[Path]:
        """Give an empty folder of this machine to build in, from which ``keep`` takes."""

    @abstractmethod
    def keep(self, built: Mapping[Parts, Path]) -> None:
        """Put files and folders of files from ``building`` in place, to be only read from now.

        The last one comes last: what leads to a file comes after it.
        """

    @abstractmethod
    def show(
        self, current: str, version: str, names: Mapping[str, Parts | None], *, is_copied: bool
    ) -> None:
        """Let fixed names of the root lead to files or folders that are kept, all in one step.

        A name with None leads nowhere any more. ``current`` is the name of what is swapped,
        ``version`` names what it is swapped to; a later one sorts after it. With ``is_copied`` the
        names are plain copies, each whole, replaced one after the other.
        """

    @abstractmethod
    def shown(self, current: str, name: str) -> Parts | None:
        """Return the parts that a fixed name leads to; None if there is none, () if it is a copy.

        Links of a version may be between: ``LINKS``, the version, the name.
        """


def storage_at(root: Location, setting: str, error: type[WarehouseError]) -> Storage:
    """Return the storage of a place; its methods raise ``error``.

    Raises:
        WarehouseError: of the class ``error``, what serves objects is not installed, or refuses
            what the environment says.
    """
    if isinstance(root, Path):
        from warehouse.storage.disk import DiskStorage  # noqa: PLC0415 - which needs this module

        return DiskStorage(root, setting, error)
    try:
        from warehouse.storage.objects import ObjectStorage  # noqa: PLC0415 - only where configured
    except ModuleNotFoundError:
        raise error(
            f"{root}: object storage needs obstore: pip install 'room-insights[object-storage]'"
        ) from None
    return ObjectStorage(root, setting, error)
