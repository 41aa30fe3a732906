"""The files of the archive, for whoever wants a message back."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mailproxy.archive.folders import FolderRefused, open_folder
from mailproxy.archive.maildir import key_of
from mailproxy.archive.names import safe_name, shown_name
from mailproxy.archive.writing import unique_part
from mailproxy.guards.memory import Message

_KEY = re.compile(r"K([0-9a-f]{32})\.")


@dataclass(frozen=True, slots=True)
class Stray:
    """A message in the archive that the index does not know: the proxy ended at the wrong moment.

    ``file`` is relative to the archive's folder, ``received`` in seconds since 1970. ``upstream``
    and ``user`` are told by the folders, and end in ``…`` when those names were cut.
    """

    file: str
    upstream: str
    user: str
    octets: int
    received: float


class ArchiveFiles:
    """All files below ``root``. Each folder is read once, when it is first asked for.

    Raises:
        OSError: by any method: a folder that is there cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._boxes: dict[tuple[str, str], dict[str, str]] = {}

    def find(self, file: str, message: Message) -> str | None:
        """Where the message is now: mail programs rename files, and move them from ``new`` to ``cur``.

        None: it is not on this machine.
        """
        names = self._names((safe_name(message.upstream), safe_name(message.user)))
        found = names.get(unique_part(file))
        if found is None:
            wanted = key_of(message)
            found = next((at for name, at in names.items() if _key(name) == wanted), None)
        return found

    def strays(self, known: Collection[str], user: str | None = None) -> Iterator[Stray]:
        """The files that are not among ``known`` (of :meth:`find`), of one user or of all."""
        for upstream in self._folders(()):
            for folder in [safe_name(user)] if user is not None else self._folders((upstream,)):
                where = (shown_name(upstream), shown_name(folder))
                for file in sorted(set(self._names((upstream, folder)).values()) - set(known)):
                    with suppress(FileNotFoundError):
                        status = self._status(file)
                        yield Stray(file, *where, status.st_size, status.st_mtime)

    def open(self, file: str) -> BinaryIO:
        """The octets of a file of the archive.

        Raises:
            OSError: it cannot be read, or is no such file.
        """
        with self._place(file) as (box, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=box)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file", file)
            return os.fdopen(descriptor, "rb")
        except BaseException:  # whatever it is, nobody else knows of the descriptor yet
            os.close(descriptor)
            raise

    def _status(self, file: str) -> os.stat_result:
        with self._place(file) as (box, name):
            return os.stat(name, dir_fd=box, follow_symlinks=False)

    @contextmanager
    def _place(self, file: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that the file lies in, and its name there. Raises OSError."""
        parts = file.split("/")
        if len(parts) != 4 or parts[2] not in ("new", "cur") or {"", ".", ".."} & set(parts):
            raise FileNotFoundError(errno.ENOENT, "there is no such file in the archive", file)
        box = open_folder(self._root, parts[:3])
        try:
            yield box, parts[3]
        finally:
            os.close(box)

    def _names(self, parts: tuple[str, str]) -> dict[str, str]:
        """Unique part of the name → file, of one user. Links, folders and pipes are no messages."""
        if parts not in self._boxes:
            self._boxes[parts] = {
                unique_part(name): "/".join((*parts, box, name))
                for box in ("new", "cur")
                for name in self._regular((*parts, box))
            }
        return self._boxes[parts]

    def _regular(self, parts: tuple[str, ...]) -> list[str]:
        try:
            folder = open_folder(self._root, parts)
        except (FileNotFoundError, FolderRefused):
            return []
        try:
            with os.scandir(folder) as entries:
                return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
        finally:
            os.close(folder)

    def _folders(self, parts: tuple[str, ...]) -> list[str]:
        try:
            folder = open_folder(self._root, parts)
        except (FileNotFoundError, FolderRefused):
            return []
        try:
            return sorted(os.listdir(folder))
        finally:
            os.close(folder)


def _key(name: str) -> str:
    match = _KEY.search(name)
    return match[1] if match else ""
