"""What the system said when the archive could not be written, with the next step."""

from __future__ import annotations

import errno
from pathlib import Path

from mailproxy.guards.memory import MemoryFailed

_STEPS = {
    errno.ENOSPC: "free space on its disk",
    errno.EDQUOT: "free space, or raise the disk quota of the proxy's user",
    errno.EFBIG: "raise the limit for the size of files of the proxy's user",
    errno.EACCES: "make it writable for the proxy's user",
    errno.EPERM: "make it a folder of the proxy's user with mode 0700",
    errno.EROFS: "mount its disk writable",
    errno.ENOTDIR: "move that away; to use another disk, mount it there",
    errno.ELOOP: "move that away; to use another disk, mount it there",
    errno.EMFILE: "raise the limit for open files of the proxy's user",
}


def archive_failed(error: OSError, path: Path) -> MemoryFailed:
    """The failure as an operator may read it; ``path`` is named where the error names no file."""
    named = error.filename if isinstance(error.filename, str) and "/" in error.filename else ""
    why = (error.strerror or type(error).__name__).lower()
    step = _STEPS.get(error.errno or 0, "look at its disk")
    return MemoryFailed(f"the archive cannot be written at {named or path}: {why}; {step}")
