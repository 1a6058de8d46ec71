"""Storage on a disk: versions that are kept, and the fixed names that lead to them."""

import errno
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from warehouse.storage.base import FOLDER_MODE, LINKS, Parts, WarehouseError
from warehouse.storage.folder import Folder, sync


class DiskStorage(Folder):
    """The files below one folder, and what it shows to readers under fixed names."""

    def __init__(self, root: Path, setting: str, error: type[WarehouseError]) -> None:
        super().__init__(root, setting, error)
        self._aside: Parts = ()

    @contextmanager
    def building(self, name: str) -> Iterator[Path]:
        """Give an empty folder to build in, from which ``keep`` takes; remove it afterwards."""
        self.delete(name)
        self._aside = (name, "pointer")
        try:
            yield self.ensure(name)
        finally:
            self.delete(name)

    def keep(self, built: Mapping[Parts, Path]) -> None:
        """Move files and folders of files in place one by one, read-only and durable."""
        for parts, source in built.items():
            final = self.ensure(*parts[:-1]) / parts[-1]
            with self.errors("written"):
                if source.is_dir():
                    source.chmod(FOLDER_MODE)
                    for path in source.iterdir():
                        sync(path, is_sealed=True)
                    sync(source)
                else:
                    sync(source, is_sealed=True)
                source.rename(final)
                sync(final.parent)

    def show(
        self, current: str, version: str, names: Mapping[str, Parts | None], *, is_copied: bool
    ) -> None:
        """Make fixed names lead to what is kept: symlinks through one that is swapped, or copies.

        The folder ``published/<version>`` has a link for each name; swapping ``current`` to it
        shows everything at once. New names are linked after it. Plain copies are for file shares
        without symlinks: each file is replaced by a rename, those of a folder one by one.
        """
        if is_copied:
            self._remove(current)
        else:
            links = self.ensure(LINKS, version)
            with self.errors("written"):
                for name, parts in names.items():
                    if parts is not None:
                        (links / name).symlink_to(Path("../..", *parts))
                sync(links)
            self._point(current, Path(LINKS, version))
        for name, parts in names.items():
            link = Path(current, name)
            if parts is None:
                self._remove(name)
            elif not is_copied:
                if not (self.path(name).is_symlink() and self.path(name).readlink() == link):
                    self._point(name, link)
            elif self.path(*parts).is_dir():
                self._copy_folder(self.path(*parts), name)
            else:
                self._copy_file(self.path(*parts), name)

    def shown(self, current: str, name: str) -> Parts | None:
        """Return the parts that a fixed name leads to; None if there is none, () for a copy."""
        try:
            target = self.path(name).readlink()
            if target == Path(current, name):
                target = self.path(current).readlink() / name
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:
                return ()
            raise self._error(
                f"{self.path(name)}: cannot be read ({error.strerror}): "
                "ask its operators for access"
            ) from None
        return target.parts

    def _point(self, name: str, target: Path) -> None:
        """Swap the symlink ``name`` to a target relative to the root."""
        aside = self.path(*self._aside)
        with self.errors("written"):
            if self.path(name).is_dir() and not self.path(name).is_symlink():
                shutil.rmtree(self.path(name))  # it was a copy before
            aside.symlink_to(target)
            aside.replace(self.path(name))
            sync(self.root)

    def _copy_file(self, source: Path, *parts: str) -> None:
        aside = self.path(*self._aside)
        with self.errors("written"):
            shutil.copyfile(source, aside)
            sync(aside, is_sealed=True)
            aside.replace(self.path(*parts))
            sync(self.path(*parts).parent)

    def _copy_folder(self, source: Path, name: str) -> None:
        """Replace the files of a folder one after another, and remove others in it."""
        if self.path(name).is_symlink():
            self._remove(name)
        self.ensure(name)
        wanted = {path.name for path in source.iterdir()}
        for each in wanted:
            self._copy_file(source / each, name, each)
        for other in {*self.names(name)} - wanted:
            self.delete(name, other)

    def _remove(self, name: str) -> None:
        """Remove a pointer or a copy."""
        with self.errors("written"):
            if self.path(name).is_dir() and not self.path(name).is_symlink():
                shutil.rmtree(self.path(name))
            else:
                self.path(name).unlink(missing_ok=True)
