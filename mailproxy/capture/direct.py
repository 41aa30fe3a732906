"""Direct I/O: much at once goes to the disk without a stay in the kernel's page cache.

Captures are written once and seldom read. In the cache they would take the place of what others
need, and to put them there would cost more than all the rest of recording.

A disk takes whole sectors, from memory that begins like one. So what is to be written is copied into
such memory, and filled up with a block that says nothing.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from mailproxy.capture.synthetic import Payload

Write = Callable[[int, Sequence[Payload]], int]

SECTOR = 4096  # octets: the largest that disks have
LEAST = 1024 * 1024  # octets that are worth it …
MOST = 8 * 1024 * 1024  # … and that are written at once


class DirectIO:
    """Used by one thread. ``works`` until a file system refuses it; where the kernel has none, never."""

    def __init__(self, *, works: bool = True) -> None:
        self.works = works and hasattr(os, "O_DIRECT")
        self._memory: memoryview | None = None  # from the first use on

    def append(self, descriptor: int, buffers: Sequence[Payload], write: Write) -> int:
        """Appends whole sectors to a file that ends with one. How many octets were written."""
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_DIRECT)
        except OSError:
            self.works = False
            return 0
        try:
            return write(descriptor, [self._put_together(buffers)])
        except OSError as error:  # other errors are met again by the usual way
            self.works = error.errno not in (errno.EINVAL, errno.EOPNOTSUPP)
            return 0
        finally:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)

    def _put_together(self, buffers: Sequence[Payload]) -> memoryview:
        if self._memory is None:
            memory = mmap.mmap(-1, MOST)
            with suppress(OSError, AttributeError):  # where there are no huge pages, it works without
                memory.madvise(mmap.MADV_HUGEPAGE)
            self._memory = memoryview(memory)
        start = 0
        for buffer in buffers:
            end = start + len(buffer)
            self._memory[start:end] = buffer
            start = end
        return self._memory[:start]
