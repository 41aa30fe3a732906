"""What is in the archive, as the commands show it: rows of the index, and files it does not know."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from mailproxy.cli.errors import fail
from mailproxy.cli.opened import opened

if TYPE_CHECKING:
    from mailproxy.archive.files import ArchiveFiles
    from mailproxy.config import Config
    from mailproxy.store.archive_index import ArchiveRow

_HEADER_OCTETS = 64 * 1024
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Archived:
    """One message. ``id`` is the number of its row; without a row it is the name of its file.

    ``file`` is None when there is no file of it here. ``at`` and ``received`` are seconds since 1970.
    """

    id: str
    upstream: str
    user: str
    protocol: str
    mailbox: str
    received: str  # INTERNALDATE
    flags: tuple[str, ...]
    rule: str
    octets: int
    at: float
    file: str | None
    indexed: bool = True

    @property
    def state(self) -> str:
        if self.file is None:
            return "no file"
        return "archived" if self.indexed else "not indexed"


class Shelf:
    """The archive of a configuration."""

    def __init__(self, config: Config) -> None:
        from mailproxy.archive.files import ArchiveFiles

        self._config = config
        self.folder = config.state / "archive"
        self._files: ArchiveFiles = ArchiveFiles(self.folder)

    def listing(self, user: str | None = None, since: float | None = None) -> list[Archived]:
        """All of it, or of one user, the oldest first; ``since`` is when it was archived."""
        with opened(self._config) as store:
            rows = store.archive.listing(user=user)
        indexed = [self._of_row(row) for row in rows]
        known = {one.file for one in indexed if one.file is not None}
        found = [*indexed, *self._strays(known, user)]
        return sorted((one for one in found if since is None or one.at >= since), key=lambda one: one.at)

    def get(self, ids: list[str]) -> list[Archived]:
        """These messages; or say which of them is not there, and leave with 1."""
        with opened(self._config) as store:
            rows = {id_: store.archive.get(int(id_)) for id_ in ids if _is_number(id_)}
        named = {name for name in ids if not _is_number(name)}
        strays = {one.id: one for one in self.listing() if one.id in named} if named else {}
        found = []
        for id_ in ids:
            row = rows.get(id_)
            one = self._of_row(row) if row is not None else strays.get(id_)
            if one is None:
                fail(f'there is no message "{id_[:120]}" in the archive; see mailproxy archive list')
            found.append(one)
        return found

    def open(self, one: Archived) -> BinaryIO:
        """Its octets; or say that they are not here, and leave with 1."""
        if one.file is None:
            fail(
                f"message {one.id} has no file below {self.folder}: it was removed, or is on another machine "
                "with the same store; run the command there, or restore the file from a backup"
            )
        try:
            return self._files.open(one.file)
        except OSError as error:
            fail(f"{self.folder / one.file}: {error.strerror}; run the command as the proxy's user")

    def header(self, one: Archived) -> bytes:
        """The header of the message, as far as it can be read; never fails."""
        if one.file is None:
            return b""
        try:
            with self._files.open(one.file) as file:
                return header_of(file.read(_HEADER_OCTETS))
        except OSError:
            return b""

    def _of_row(self, row: ArchiveRow) -> Archived:
        message = row.message
        return Archived(
            id=str(row.id),
            upstream=message.upstream,
            user=message.user,
            protocol=message.protocol,
            mailbox=message.mailbox,
            received=message.internaldate,
            flags=message.flags,
            rule=message.rule,
            octets=row.octets,
            at=row.at,
            file=self._files.find(row.file, message),
        )

    def _strays(self, known: set[str], user: str | None) -> Iterator[Archived]:
        from mailproxy.archive.dates import internaldate_of
        from mailproxy.archive.flags import flags_of

        for stray in self._files.strays(known, user):
            name = os.path.basename(stray.file).partition(":2,")[0]
            written = re.match(r"[0-9]{1,11}(?=\.)", name)
            yield Archived(
                id=name,
                upstream=stray.upstream,
                user=stray.user,
                protocol="",
                mailbox="",
                received=internaldate_of(stray.received),
                flags=flags_of(stray.file),
                rule="",
                octets=stray.octets,
                at=float(written[0]) if written else stray.received,
                file=stray.file,
                indexed=False,
            )


def header_of(octets: bytes) -> bytes:
    """What stands before the first empty line, that included; all when there is none."""
    end = _END_OF_HEADER.search(octets)
    return octets[: end.end()] if end else octets


def subject_of(header: bytes) -> str:
    """The subject as people read it; nothing when it cannot be read."""
    from email.errors import MessageError
    from email.header import decode_header, make_header
    from email.parser import BytesHeaderParser

    try:
        raw = str(BytesHeaderParser().parsebytes(header).get("Subject", ""))
        return " ".join(str(make_header(decode_header(raw))).split())
    except (MessageError, ValueError, LookupError):
        return ""


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,18}", text) is not None
