"""Octets of a capture that are kept while it is replayed: small ones in memory, large ones on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from hashlib import sha256
from types import TracebackType
from typing import IO

_SMALL = 65_536  # octets of one body that stay in memory
_PIECE = 262_144


class Body:
    """Octets that can be read again and again while their store is open. Made by :meth:`BodyStore.new`."""

    __slots__ = ("_extents", "_memory", "_store", "octets")

    def __init__(self, store: BodyStore) -> None:
        self._store = store
        self._memory = bytearray()
        self._extents: list[tuple[int, int]] = []  # start and length in the store's file
        self.octets = 0

    def append(self, data: bytes) -> None:
        """More octets behind those that are there."""
        self.octets += len(data)
        self._memory += data
        if len(self._memory) > _SMALL:
            self._extents.append((self._store.write(bytes(self._memory)), len(self._memory)))
            self._memory.clear()

    def chunks(self) -> Iterator[bytes]:
        """All octets, in pieces."""
        for start, length in self._extents:
            while length:
                data = self._store.read(start, min(length, _PIECE))
                yield data
                start += len(data)
                length -= len(data)
        if self._memory:
            yield bytes(self._memory)

    def read(self) -> bytes:
        """All octets in one piece."""
        return b"".join(self.chunks())

    def digest(self) -> str:
        """SHA-256 in hexadecimal digits."""
        value = sha256()
        for chunk in self.chunks():
            value.update(chunk)
        return value.hexdigest()

    def __repr__(self) -> str:
        return f"<Body {self.octets} octets>"


class BodyStore:
    """A context manager around an unnamed temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    def __enter__(self) -> BodyStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def new(self, data: bytes = b"") -> Body:
        """A body with these octets."""
        body = Body(self)
        body.append(data)
        return body

    def write(self, data: bytes) -> int:
        """Keep octets in the file; returns where. Raises OSError when the disk is full."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="mailproxy-")  # noqa: SIM115 (closed by __exit__)
        self._file.seek(self._end)
        self._file.write(data)
        start, self._end = self._end, self._end + len(data)
        return start

    def read(self, start: int, count: int) -> bytes:
        """Octets of the file. Raises OSError."""
        assert self._file is not None, "something was written"
        self._file.seek(start)
        return self._file.read(count)
