"""The octets of a capture file in large pieces, unpacked when the file is gzip."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from mailproxy.capture.model import CaptureError, Tally
from mailproxy.capture.snapshot import Snapshot

# Octets of one read; of unpacked octets too, however well a file is packed. It fits into a processor's cache,
# and the C library keeps such memory: with larger pieces, reading costs up to twice as much.
_PIECE = 1 << 18
_STEP = 1 << 20  # octets that are read until ``progress`` is told
_GZIP = b"\x1f\x8b"


class Source:
    """An open capture file.

    A parser keeps a buffer and a place in it, and asks with :meth:`refill` for more.
    Memory is one piece and the longest thing that a parser asks for.
    """

    def __init__(self, path: Path | Snapshot, tally: Tally, progress: Callable[[int], None] | None) -> None:
        """Opens the file.

        Raises:
            CaptureError: it cannot be opened or read.
        """
        self.path = path
        self._tally = tally
        self._progress = progress
        self._given = 0
        self._untold = 0
        self._unpacker: zlib._Decompress | None = None
        try:
            self._file = path.reader() if isinstance(path, Snapshot) else path.open("rb", buffering=0)
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            self._packed = self._read(len(_GZIP))
        except CaptureError:
            self._file.close()
            raise
        self._is_gzip = self._packed == _GZIP

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def refill(self, rest: bytes, need: int) -> bytes:
        """``rest``, which was not used yet, and what follows: ``need`` octets or more, fewer only at the end.

        Raises:
            CaptureError: the file cannot be read, or is no longer gzip.
        """
        pieces, size = [rest], len(rest)
        while size < need and (piece := self._piece()):
            pieces.append(piece)
            size += len(piece)
            self._given += len(piece)
        return b"".join(pieces)

    def error(self, unread: int, cause: str, step: str) -> CaptureError:
        """An error that names the place: ``unread`` octets before the end of what :meth:`refill` gave."""
        place = f"octet {self._given - unread}" + (" of what is packed in it" if self._is_gzip else "")
        return CaptureError(f"{self.path}: {cause} at {place}; {step}")

    def end(self, unread: int) -> None:
        """Notes what is odd about the end of the file: ``unread`` octets are the beginning of something."""
        cut = "the file is cut off, or still growing"
        if unread:
            where = " of what is packed in it" if self._is_gzip else ""
            self._tally.notes.append(f"{cut}: its last {unread} octets{where} were left out")
        elif self._unpacker is not None:
            self._tally.notes.append(f"{cut}: its gzip data have no end")

    def _piece(self) -> bytes:
        if self._is_gzip:
            return self._unpacked()
        first, self._packed = self._packed, b""
        return first + self._read(_PIECE)

    def _unpacked(self) -> bytes:
        while True:
            packed, self._packed = self._packed or self._read(_PIECE), b""
            if self._unpacker is None and packed:
                packed = packed.lstrip(b"\0")  # tapes and their like fill up the last block
                if not packed:
                    continue
                self._unpacker = zlib.decompressobj(wbits=31)
            piece = self._unpack(self._unpacker, packed) if self._unpacker is not None else b""
            if piece or not packed:
                return piece

    def _unpack(self, unpacker: zlib._Decompress, packed: bytes) -> bytes:
        try:
            piece = unpacker.decompress(packed, _PIECE)
        except zlib.error as error:
            raise self.error(
                0, f"the gzip data are damaged ({error})", f"see what gunzip says of {self.path}"
            ) from error
        self._packed = unpacker.unconsumed_tail
        if unpacker.eof:
            self._packed, self._unpacker = unpacker.unused_data, None  # another member may follow
        return piece

    def _read(self, octets: int) -> bytes:
        try:
            data = self._file.read(octets) or b""
        except OSError as error:
            raise self._unreadable(error) from error
        self._tally.octets += len(data)
        self._untold += len(data)
        if self._progress is not None and (self._untold >= _STEP or (self._untold and not data)):
            self._progress(self._untold)
            self._untold = 0
        return data

    def _unreadable(self, error: OSError) -> CaptureError:
        return CaptureError(
            f"{self.path}: {error.strerror}; give the path of a pcap or pcapng file that can be read"
        )
