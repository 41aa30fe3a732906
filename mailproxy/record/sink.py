"""Finished log lines into a file, in such a way that a broken log never stops mail.

A full disk, a vanished terminal or a pipe that nobody reads costs log lines, never a
session: lines wait in a bounded buffer, the oldest are dropped and counted, and the
first write that works again says how many are missing.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections import deque
from collections.abc import Callable

BATCH = 64 * 1024  # octets that start a write before the next flush is due
LARGEST_BACKLOG = 1024 * 1024  # octets kept while the file cannot be written


class Sink:
    """A log file, or standard error for ``-``. To be used from one thread.

    ``failures`` counts the writes that failed and ``dropped`` the lines lost, both
    since the file worked last. ``recovered`` is called with these two when it works again.

    Raises:
        OSError: the file cannot be opened at the start.
    """

    def __init__(self, file: str, recovered: Callable[[int, int], None]) -> None:
        self.file = file
        self.failures = 0
        self.dropped = 0
        self._recovered = recovered
        self._stuck = False  # since the last flush; until the next one no write is tried
        self._lines: deque[bytes] = deque()
        self._octets = 0
        self._rest = b""  # of a line that was written in part: it must come next, or lines would mix
        self._descriptor = _open(file)
        self._patient = _is_regular(self._descriptor)

    def write(self, line: bytes) -> None:
        """Takes one line, with its line end. Never raises."""
        self._lines.append(line)
        self._octets += len(line)
        if self._octets >= BATCH and not self._stuck:
            self.flush()
        while self._octets > LARGEST_BACKLOG:
            self._octets -= len(self._lines.popleft())
            self.dropped += 1

    def urgent(self, line: bytes) -> None:
        """As ``write``, and to the file at once if the last write to it was possible. Never raises."""
        self.write(line)
        if not self._stuck:
            self.flush()

    def flush(self) -> None:
        """Writes what is waiting, as far as that is possible without waiting. Never raises."""
        if not self._lines and not self._rest:
            return
        data = self._rest + b"".join(self._lines)
        try:
            done = self._send(data)
        except OSError as error:
            self._failed(error)
            return
        self._keep(data, done)
        self._stuck = done < len(data)
        if not self._stuck and (self.failures or self.dropped):
            failures, dropped = self.failures, self.dropped
            self.failures = self.dropped = 0
            self._recovered(failures, dropped)

    def reopen(self) -> None:
        """Opens the file anew, as after a rotation.

        Raises:
            OSError: it cannot be opened; the old one stays in use.
        """
        if self.file == "-":
            return
        self.flush()
        descriptor = _open(self.file)
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._patient = _is_regular(descriptor)
        self._stuck = False
        if self._rest:  # its beginning stands in the old file
            self._octets -= len(self._rest)
            self._rest = b""
            self.dropped += 1

    def close(self) -> None:
        """Writes what can be written, and closes the file (but not standard error)."""
        self.flush()
        if self.file != "-" and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _send(self, data: bytes) -> int:
        """How many octets the file took; fewer than all when more would have to wait."""
        done = 0
        view = memoryview(data)
        # Standard error may not be made non-blocking, as others write to it too. A pipe that
        # is said to be ready takes PIPE_BUF octets without waiting (POSIX).
        step = len(data) if self._patient else select.PIPE_BUF
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        while done < len(data) and (self._patient or poll.poll(0)):
            try:
                done += os.write(self._descriptor, view[done : done + step])
            except BlockingIOError:
                break
            except OSError:
                if not done:
                    raise
                break
        return done

    def _keep(self, data: bytes, done: int) -> None:
        if done == len(data):
            self._lines.clear()
            self._rest = b""
            self._octets = 0
            return
        done -= len(self._rest)
        if done < 0:
            self._rest = self._rest[done:]
        else:
            self._rest = b""
            while done > 0:
                line = self._lines.popleft()
                self._rest = line[done:]
                done -= len(line)
        self._octets = len(self._rest) + sum(map(len, self._lines))

    def _failed(self, error: OSError) -> None:
        self.failures += 1
        self._stuck = True
        if self.failures == 1 and self.file != "-":
            said = f"mailproxy: cannot write the log {self.file}: {error.strerror}; mail goes on without\n"
            try:
                os.write(2, said.encode("ascii", "backslashreplace"))
            except OSError:
                return  # there is nobody left to tell


def _open(file: str) -> int:
    if file == "-":
        return sys.__stderr__.fileno() if sys.__stderr__ is not None else 2
    # O_NONBLOCK: a named pipe without a reader is an error then, not a wait without end
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    return os.open(file, flags, 0o640)


def _is_regular(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
