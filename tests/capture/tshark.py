"""Wireshark's own reading of a capture file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.servers.requirements import need_program

_ROOT = "Running as user"  # what tshark says to root


def tshark(path: Path, *words: str) -> str:
    """What tshark prints; it must not complain."""
    program = need_program("tshark", "tshark")
    done = subprocess.run(
        [program, "-r", path, *words],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
        env={**os.environ, "HOME": str(path.parent), "LC_ALL": "C.UTF-8"},
    )
    complaints = [line for line in done.stderr.splitlines() if _ROOT not in line]
    assert (done.returncode, complaints) == (0, [])
    return done.stdout


def fields(path: Path, *names: str) -> list[list[str]]:
    """One row for each packet."""
    words = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(path, "-T", "fields", *words).splitlines()]


def warnings(path: Path) -> str:
    """What its experts say, from a warning on."""
    return tshark(path, "-q", "-z", "expert,warn").strip()


def messages(path: Path) -> list[bytes]:
    """What *Export Objects → IMF* gives."""
    folder = path.with_name(f"{path.name}-objects")
    tshark(path, "-q", "--export-objects", f"imf,{folder}")
    return [file.read_bytes() for file in sorted(folder.iterdir())] if folder.is_dir() else []
