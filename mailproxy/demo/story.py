"""The story that the demo tells, in three acts, and whether it came true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import trio

from mailproxy.demo.lines import Ended
from mailproxy.demo.mailbox import Account
from mailproxy.demo.programs import Downloaded, Echo, Endpoint, Refused, download_and_delete, read_all, submit


class Stage(Protocol):
    """Where the story is seen. Each method may take its time."""

    async def act(self, number: int, title: str, sentence: str) -> None:
        """A new act begins."""

    async def line(self, program: str, who: str, text: str) -> None:
        """A program said (``C``) or heard (``S``) a line."""

    async def verdict(self, text: str) -> None:
        """What the proxy did."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the three programs connect to."""

    pop3: Endpoint
    imap: Endpoint
    smtp: Endpoint


@dataclass(frozen=True, slots=True)
class Check:
    """A claim of the story, whether it is true, and what was seen."""

    claim: str
    held: bool
    seen: str


@dataclass(slots=True)
class Outcome:
    """How the story ended. ``seen_by_imap`` counts messages; ``trouble`` is why it broke off, if it did."""

    stored: int = 0
    pop3: Downloaded = field(default_factory=lambda: Downloaded([], 0, 0))
    seen_by_imap: int = 0
    sent: bool = False
    checks: list[Check] = field(default_factory=list)
    trouble: str = ""

    @property
    def came_true(self) -> bool:
        """Did all that the story claims happen?"""
        return not self.trouble and bool(self.checks) and all(check.held for check in self.checks)


class ServerEars:
    """Counts what the real POP3 server was told; give :meth:`received` to the server."""

    def __init__(self) -> None:
        self.deletions = 0

    def received(self, line: bytes) -> None:
        """Note one command line."""
        self.deletions += line.split(b" ")[0].upper() == b"DELE"


class Story:
    """Plays the three programs against the endpoints, over an account that holds some mail."""

    def __init__(self, account: Account, ears: ServerEars, where: Endpoints, stage: Stage) -> None:
        self._account = account
        self._ears = ears
        self._where = where
        self._stage = stage
        self._login = (account.user, bytes(account.password).decode())

    async def play(self, sent: bytes) -> Outcome:
        """All acts; ``sent`` is the message that the SMTP program sends."""
        outcome = Outcome()
        stored = [message.octets for message in self._account.inbox.messages]
        expected = [*stored, sent]
        outcome.stored = len(expected)
        try:
            seen = await self._acts(outcome, expected)
        except (Ended, Refused, OSError, trio.BrokenResourceError) as error:
            outcome.trouble = _trouble(error)
            return outcome
        outcome.checks = _checks(outcome, expected, seen, self._ears.deletions)
        return outcome

    async def _acts(self, outcome: Outcome, expected: list[bytes]) -> list[bytes]:
        user, sent = self._account.user, expected[-1]
        await self._stage.act(1, "A message is sent", "A mail program sends one message, with SMTP.")
        await submit(self._where.smtp, *self._login, [user], sent, self._echo("SMTP program"))
        outcome.sent = True

        await self._stage.act(
            2,
            "A POP3 program downloads, and deletes",
            "An old program on another computer takes all mail and then deletes it on the server (DELE).",
        )
        outcome.pop3 = await download_and_delete(self._where.pop3, *self._login, self._echo("POP3 program"))

        await self._stage.act(
            3, "You read the same mailbox with IMAP", "Telephone, tablet, webmail: is the mail still there?"
        )
        seen = await read_all(self._where.imap, *self._login, self._echo("IMAP program"))
        outcome.seen_by_imap = len(seen)
        return seen

    def _echo(self, program: str) -> Echo:
        asked = ""

        async def echo(who: str, text: str) -> None:
            nonlocal asked
            await self._stage.line(program, who, text)
            if who == "C":
                asked = text
            elif asked.startswith("DELE "):
                await self._stage.verdict(self._judged(asked, text))
                asked = ""

        return echo

    def _judged(self, command: str, reply: str) -> str:
        if self._ears.deletions:
            return f"{command} reached the mail server: the message is going to vanish"
        did = "refused" if reply.startswith("-ERR") else "answered"
        return f"{command} {did} here: the mail server never heard of it, the message stays"


def _trouble(error: Exception) -> str:
    cause = (error.__cause__ if isinstance(error, trio.BrokenResourceError) else None) or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else "the connection ended early"


def _checks(outcome: Outcome, expected: list[bytes], seen: list[bytes], deletions: int) -> list[Check]:
    downloaded = outcome.pop3.messages
    count = len(expected)
    arrived = downloaded[-1:] == expected[-1:]
    return [
        Check("The message sent has arrived, byte for byte", arrived, "arrived" if arrived else "not there"),
        Check(
            "The POP3 program has all messages, byte for byte",
            downloaded == expected,
            _of(sum(one == other for one, other in zip(downloaded, expected, strict=False)), count),
        ),
        Check(
            "It asked to delete every one of them",
            outcome.pop3.asked == count,
            _of(outcome.pop3.asked, count),
        ),
        Check("The mail server heard of no deletion", deletions == 0, f"{deletions} heard"),
        Check(
            "The IMAP program still finds all of them, byte for byte",
            seen == expected,
            _of(sum(octets in expected for octets in seen), count),
        ),
    ]


def _of(some: int, total: int) -> str:
    return f"{some} of {total}"
