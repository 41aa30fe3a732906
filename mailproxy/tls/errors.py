"""What goes wrong with certificates, keys and their files."""

from __future__ import annotations

from pathlib import Path


class TlsError(Exception):
    """A file of keys or certificates cannot be used.

    ``file`` is the file at fault, ``cause`` what is wrong with it and
    ``next_step`` what a person can do about it. None of them holds key material.
    """

    def __init__(self, file: Path, cause: str, next_step: str) -> None:
        super().__init__(f"{file}: {cause}; {next_step}")
        self.file = file
        self.cause = cause
        self.next_step = next_step
