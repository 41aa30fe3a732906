"""The files of the archive, for whoever wants a message back."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mailproxy.archive.folders import FolderRefused, open_box, open_folder
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
                for file in sorted(set(self._names((upstream, folder)).values()) - set(known)):
                    with suppress(FileNotFoundError), self.open(file) as stream:
                        status = os.fstat(stream.fileno())
                        where = (shown_name(upstream), shown_name(folder))
                        yield Stray(file, *where, status.st_size, status.st_mtime)

    def open(self, file: str) -> BinaryIO:
        """The octets of a file of the archive.

        Raises:
            OSError: it cannot be read, or is no such file.
        """
        parts = file.split("/")
        if len(parts) != 4 or parts[2] not in ("new", "cur") or {"", ".", ".."} & set(parts):
            raise FileNotFoundError(2, "there is no such file in the archive", file)
        folder = open_folder(self._root, parts[:3])
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.fdopen(os.open(parts[3], flags, dir_fd=folder), "rb")
        finally:
            os.close(folder)

    def _names(self, parts: tuple[str, str]) -> dict[str, str]:
        """Unique part of the name → file, of one user."""
        if parts not in self._boxes:
            names: dict[str, str] = {}
            with suppress(FileNotFoundError, FolderRefused):
                user = open_folder(self._root, parts)
                try:
                    for name in ("new", "cur"):
                        with suppress(FileNotFoundError), open_box(user, name) as box:
                            names |= {unique_part(at): "/".join((*parts, name, at)) for at in os.listdir(box)}
                finally:
                    os.close(user)
            self._boxes[parts] = names
        return self._boxes[parts]

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
