"""What is said when the archive cannot be written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mailproxy.archive.failures import archive_failed


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "the archive cannot be written at /a/b: no space left on device; free space on its disk",
        ),
        (
            OSError(errno.EACCES, "Permission denied", "/a/b/new"),
            "the archive cannot be written at /a/b/new: permission denied; "
            "make it writable for the proxy's user",
        ),
        (
            OSError(errno.EIO, "Input/output error", "tmp"),
            "the archive cannot be written at /a/b: input/output error; look at its disk",
        ),
        (OSError(), "the archive cannot be written at /a/b: oserror; look at its disk"),
    ],
)
def test_texts(error: OSError, text: str) -> None:
    assert str(archive_failed(error, Path("/a/b"))) == text
