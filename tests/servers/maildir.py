"""Maildirs, filled and read behind a server's back."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from tests.waiting import until

FIRST_SECOND = 1_767_600_000


def fill(box: Path, messages: Iterable[bytes], uid: int, gid: int) -> None:
    """Make the Maildir anew with these messages, in this order, owned by that user."""
    shutil.rmtree(box, ignore_errors=True)
    for folder in ("cur", "new", "tmp"):
        (box / folder).mkdir(parents=True)
    for number, message in enumerate(messages):
        second = FIRST_SECOND + number
        path = box / "new" / f"{second}.M{number}P1.example"
        path.write_bytes(message)
        os.utime(path, (second, second))
    for path in (box, *box.rglob("*")):
        os.chown(path, uid, gid)


def deliver(box: Path, message: bytes, uid: int, gid: int) -> None:
    """Put one more message into the Maildir, as a local delivery does."""
    name = f"{time.time_ns()}.{secrets.token_hex(4)}.example"
    path = box / "tmp" / name
    path.write_bytes(message)
    os.chown(path, uid, gid)
    path.rename(box / "new" / name)


def contents(box: Path) -> list[bytes]:
    """Every message of the Maildir, in the order of its file names."""
    files = [path for folder in ("new", "cur") for path in (box / folder).glob("*")]
    read = []
    for path in sorted(files, key=lambda path: path.name):
        try:
            read.append(path.read_bytes())
        except FileNotFoundError:  # the server renamed it from new to cur in between
            continue
    return read


def await_message(box: Path, token: str) -> bytes:
    """The message that has ``token`` in it, once it has been delivered."""
    wanted = token.encode()

    def look() -> bytes | None:
        return next((message for message in contents(box) if wanted in message), None)

    return until(look, f"message with {token!r} in {box.name}'s Maildir")
