"""A setting of the C library's allocator, for a process that holds octets until a disk has taken them."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_OCTETS = 64 * 1024 * 1024


def keep_freed_memory() -> bool:
    """Freed memory stays with the process, up to some 64 MiB. False where the C library has no such setting.

    Else glibc gives the memory of what was written back to the kernel at once, and gets it again page by
    page for what comes next: a third of what recording costs in a bulk transfer.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library than glibc
        return False
    settings = ((_M_TRIM_THRESHOLD, _OCTETS), (_M_TOP_PAD, 1024 * 1024), (_M_MMAP_THRESHOLD, _OCTETS // 2))
    return [mallopt(name, value) for name, value in settings] == [1, 1, 1]
