"""A file as it stood when it was opened, for several processes: so long, and there when its name is gone."""

from __future__ import annotations

import os
from pathlib import Path


class Snapshot:
    """An open file. Each of its readers begins at the beginning, whichever process it is in.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._octets = os.fstat(self._descriptor).st_size

    def __str__(self) -> str:
        return str(self._path)

    def reader(self) -> SnapshotReader:
        """Reads it from its beginning to where it ended."""
        return SnapshotReader(self._descriptor, self._octets)

    def close(self) -> None:
        """To be called when no reader is used any more."""
        os.close(self._descriptor)


class SnapshotReader:
    """As a file that was opened for reading, without a buffer."""

    def __init__(self, descriptor: int, octets: int) -> None:
        self._descriptor = descriptor
        self._octets = octets
        self._offset = 0

    def read(self, octets: int) -> bytes:
        """Up to so many octets; none at the end. Raises OSError."""
        data = os.pread(self._descriptor, min(octets, self._octets - self._offset), self._offset)
        self._offset += len(data)
        return data

    def close(self) -> None:
        """The file stays open, for others."""
