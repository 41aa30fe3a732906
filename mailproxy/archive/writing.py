"""One message on its way into a Maildir.

It is written in ``tmp``, made durable, and moved to ``new`` or ``cur``; only then is it noted in
the index. So the worst that a crash leaves is a copy that the index does not know, or a piece
of one in ``tmp``.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from mailproxy.archive.dates import seconds_of
from mailproxy.archive.failures import archive_failed
from mailproxy.archive.flags import letters_of
from mailproxy.archive.folders import open_box
from mailproxy.guards.memory import MemoryFailed, Message

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Index(Protocol):
    """What is in the archive, kept by a store.

    Raises:
        MemoryFailed: by any method.
    """

    def has(self, message: Message) -> bool:
        """Is there a row for the message of this upstream, user, mailbox and id?"""
        ...

    def add(self, message: Message, file: str, octets: int, now: float) -> int:
        """Note it durably. ``file`` is relative to the archive's folder. Returns the number of its row."""
        ...


class MaildirWriting:
    """See :class:`mailproxy.guards.memory.Writing`."""

    def __init__(
        self, user: int, root: Path, parts: Sequence[str], message: Message, tail: str, index: Index
    ) -> None:
        """``user`` is the descriptor of the Maildir ``root``/``parts``; in the end it is closed here.

        ``tail`` ends the unique part of the file's name.

        Raises:
            OSError: nothing can be written; ``user`` stays open.
        """
        self._path = root.joinpath(*parts)
        self._parts = parts
        self._message = message
        self._tail = tail
        self._index = index
        self._octets = 0
        self._failure: OSError | None = None
        self._lock = threading.Lock()  # a session may end while another thread finishes
        self._open = False
        self._user = user
        self._temporary = f"tmp/{secrets.token_hex(16)}"
        self._file = os.open(self._temporary, _CREATE, 0o600, dir_fd=user)
        self._open = True

    def write(self, data: bytes) -> None:
        if self._failure is not None or not self._open:
            return
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            self._failure = error
        self._octets += len(data)

    def finish(self, now: float) -> None:
        with self._lock:
            if not self._open:
                raise MemoryFailed("the message was given up before it was whole; delete it once more")
            try:
                self._store(now)
            except OSError as error:
                raise archive_failed(error, self._path) from error
            finally:
                self._close()

    def abandon(self) -> None:
        if self._lock.acquire(blocking=False):  # else finish() is at work, and cleans up itself
            try:
                self._close()
            finally:
                self._lock.release()

    def __del__(self) -> None:
        # The dialogue may have been stopped before it was handed this object.
        self._close()

    def _store(self, now: float) -> None:
        if self._failure is not None:
            raise self._failure
        received = seconds_of(self._message.internaldate)
        when = max(now if received is None else received, 0.0)
        os.utime(self._file, (when, when))
        os.fsync(self._file)
        place = self._place(now)
        os.rename(self._temporary, place, src_dir_fd=self._user, dst_dir_fd=self._user)
        try:
            with open_box(self._user, place.partition("/")[0]) as box:
                os.fsync(box)
            self._index.add(self._message, "/".join((*self._parts, place)), self._octets, now)
        except (OSError, MemoryFailed):
            # The deletion is refused, and tried again: without this, each time would leave a copy.
            with suppress(OSError):
                os.unlink(place, dir_fd=self._user)
            raise

    def _place(self, now: float) -> str:
        second = int(now)
        micro = int((now - second) * 1_000_000)
        unique = f"M{micro:06d}P{os.getpid()}R{secrets.token_hex(4)}{self._tail}"
        letters = letters_of(self._message.flags)
        name = f"{second}.{unique},S={self._octets}"
        return f"cur/{name}:2,{letters}" if letters else f"new/{name}"

    def _close(self) -> None:
        """Let go of all; what is still in ``tmp`` goes away."""
        if not getattr(self, "_open", False):
            return
        self._open = False
        with suppress(OSError):
            os.close(self._file)
        with suppress(OSError):
            os.unlink(self._temporary, dir_fd=self._user)
        with suppress(OSError):
            os.close(self._user)


def unique_part(file: str) -> str:
    """What stays the same of a file's name, wherever it lies and whatever flags it has."""
    return file.rpartition("/")[2].partition(":2,")[0]
