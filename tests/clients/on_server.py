"""What lies on a server, seen by IMAP past every proxy, and changed as another IMAP program would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from imapclient import IMAPClient

from tests.clients.standard_library import TIMEOUT_SECONDS
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import Account
from tests.servers.ports import LOOPBACK


@dataclass(frozen=True)
class Stored:
    """A message in a mailbox."""

    uid: int
    flags: frozenset[str]  # without \\Recent, which belongs to a session
    message: bytes


@contextmanager
def imap_session(dovecot: Dovecot, account: Account) -> Iterator[IMAPClient]:
    """Logged in, straight at the server."""
    with IMAPClient(LOOPBACK, dovecot.imap.open, ssl=False, timeout=TIMEOUT_SECONDS) as client:
        client.login(account.user, account.password)
        yield client


def stored(dovecot: Dovecot, account: Account, mailbox: str = "INBOX") -> list[Stored]:
    """Every message of the mailbox in UID order; looking at it changes nothing."""
    with imap_session(dovecot, account) as client:
        client.select_folder(mailbox, readonly=True)
        fetched = client.fetch(client.search(), ["FLAGS", "BODY.PEEK[]"])
    return [
        Stored(uid, frozenset(_texts(items[b"FLAGS"])) - {"\\Recent"}, items[b"BODY[]"])
        for uid, items in sorted(fetched.items())
    ]


def messages(dovecot: Dovecot, account: Account, mailbox: str = "INBOX") -> list[bytes]:
    """The messages alone."""
    return [one.message for one in stored(dovecot, account, mailbox)]


def add_flags(dovecot: Dovecot, account: Account, flags: dict[int, list[str]]) -> None:
    """Give flags and keywords to messages of INBOX, by their place: 1 is the first."""
    with imap_session(dovecot, account) as client:
        client.select_folder("INBOX")
        uids = client.search()
        for place, names in flags.items():
            client.add_flags(uids[place - 1], names)


def _texts(flags: tuple[bytes, ...]) -> list[str]:
    return [flag.decode() for flag in flags]
