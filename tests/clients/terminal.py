"""Programs that want a terminal get one, and nobody in front of it."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.servers.requirements import need_program

SECONDS = 30  # a program that asks something waits for ever


def run_in_terminal(home: Path, name: str, package: str, *words: str | Path) -> None:
    """Run a program to its end in a pseudo-terminal of its own.

    Raises AssertionError with what stood on the screen when its exit code is not 0.
    """
    program = need_program(name, package)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "vt100"}
    screen, theirs = os.openpty()
    process = subprocess.Popen(
        ["timeout", str(SECONDS), program, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=home,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # Linux says EIO when the last writer is gone
        while more := os.read(screen, 65536):
            shown = (shown + more)[-4000:]
    os.close(screen)
    code = process.wait()
    assert code == 0, f"{name} ended with {code}: {shown!r}"
