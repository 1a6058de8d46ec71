"""Storage of files: a folder on a disk, or a bucket of objects. One class each, the same methods.

Belongs here: which storage serves a place. What every storage promises is in ``base.py``.
Does not belong here: what files mean (``lake.py``, ``versions.py``).
"""

from pathlib import Path

from warehouse.storage.base import (
    FILE_MODE,
    FOLDER_MODE,
    LINKS,
    Location,
    ObjectUrl,
    Parts,
    Put,
    Somewhere,
    Storage,
    WarehouseError,
)
from warehouse.storage.disk import DiskStorage

__all__ = [
    "FILE_MODE",
    "FOLDER_MODE",
    "LINKS",
    "DiskStorage",
    "Location",
    "ObjectUrl",
    "Parts",
    "Put",
    "Somewhere",
    "Storage",
    "WarehouseError",
    "storage_at",
]


def storage_at(root: Location, setting: str, error: type[WarehouseError]) -> Storage:
    """Return the storage of a place; its methods raise ``error``.

    Raises:
        WarehouseError: of the class ``error``: the library for objects is not installed, or rejects
            the settings of the environment.
    """
    if isinstance(root, Path):
        return DiskStorage(root, setting, error)
    try:
        from warehouse.storage.objects import ObjectStorage  # noqa: PLC0415 - only where configured
    except ModuleNotFoundError:
        raise error(
            f"{root}: object storage needs obstore: pip install 'room-insights[object-storage]'"
        ) from None
    return ObjectStorage(root, setting, error)
