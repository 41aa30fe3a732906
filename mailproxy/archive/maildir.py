"""The archive: each message a file of its own, in a Maildir for each user of each upstream.

The name of a file holds a hash that says which message it is. What the index says to be here
is here only if there is such a file: a row without its file, because somebody
has tidied up, must never let a deletion through.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path

from mailproxy.archive.failures import archive_failed
from mailproxy.archive.folders import open_box, open_folder
from mailproxy.archive.names import safe_name
from mailproxy.archive.writing import Index, MaildirWriting
from mailproxy.guards.memory import Message, Writing

BOXES = ("tmp", "new", "cur")
STALE_SECONDS = 36 * 3600.0  # the age at which a Maildir's files in tmp are rubbish


class MaildirArchive:
    """The archive below ``folder``; it is :class:`mailproxy.guards.memory.Archive`."""

    def __init__(self, folder: Path, index: Index, host: str = "") -> None:
        """``host`` stands in the names of files; empty for this machine's name."""
        self.folder = folder
        self._index = index
        self._host = re.sub(r"[^A-Za-z0-9.-]", "_", host or socket.gethostname())[:64] or "localhost"

    def begin(self, message: Message) -> Writing | None:
        parts = (safe_name(message.upstream), safe_name(message.user))
        known = self._index.has(message)
        key = key_of(message)
        try:
            user = self._maildir(parts)
            try:
                if known and _is_there(user, key):
                    os.close(user)
                    return None
                _sweep(user)
                return MaildirWriting(user, self.folder, parts, message, f"K{key}.{self._host}", self._index)
            except OSError:
                os.close(user)
                raise
        except OSError as error:
            raise archive_failed(error, self.folder.joinpath(*parts)) from error

    def _maildir(self, parts: tuple[str, ...]) -> int:
        """The descriptor of a user's Maildir, with all of its folders in place."""
        for box in BOXES:
            os.close(open_folder(self.folder, (*parts, box), write=True))
        return open_folder(self.folder, parts, write=True)


def key_of(message: Message) -> str:
    """What of a file's name says which message of its user it is."""
    what = "\0".join((message.protocol, message.mailbox, message.id))
    return hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _is_there(user: int, key: str) -> bool:
    """Is there a whole copy, also when a mail program has moved it from ``new`` to ``cur``?"""
    wanted = re.compile(rf"[^K]*K{key}\..*,S=([0-9]+)")
    for name in ("new", "cur"):
        with open_box(user, name) as box:
            for file in os.listdir(box):
                if match := wanted.match(file):
                    status = os.stat(file, dir_fd=box, follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and status.st_size == int(match[1]):
                        return True
    return False


def _sweep(user: int) -> None:
    """Remove what crashes have left in ``tmp``."""
    oldest = time.time() - STALE_SECONDS
    with open_box(user, "tmp") as box:
        for file in os.listdir(box):
            with suppress(OSError):
                if os.stat(file, dir_fd=box, follow_symlinks=False).st_mtime < oldest:
                    os.unlink(file, dir_fd=box)
