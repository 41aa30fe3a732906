"""Where a server listens, by protocol and kind of TLS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Tls = Literal["none", "starttls", "implicit"]
Protocol = Literal["imap", "pop3", "smtp"]

PROTOCOLS: tuple[Protocol, ...] = ("imap", "pop3", "smtp")
TLS_KINDS: tuple[Tls, ...] = ("none", "starttls", "implicit")


@dataclass(frozen=True)
class Ports:
    """``open`` speaks cleartext and STARTTLS (STLS); ``secure`` TLS from the first octet."""

    open: int
    secure: int

    def of(self, tls: Tls) -> int:
        """The port for that kind of TLS."""
        return self.secure if tls == "implicit" else self.open


@dataclass(frozen=True)
class Door:
    """All that a client has to know to get in."""

    port: int
    tls: Tls
    ca: Path | None = None


@dataclass(frozen=True)
class Account:
    """A login name with its password."""

    user: str
    password: str


ALICE = Account("alice", "tea-Party-31")  # has the sample messages; nobody changes them
BOB = Account("bob", "Hammer+nail-8")  # receives
CAROL = Account("carol", "high-C-440")  # has mail that tests may delete
ACCOUNTS = (ALICE, BOB, CAROL)
DOMAIN = "example.test"
