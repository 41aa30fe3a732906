"""The story that the demo tells, in six acts, and whether it came true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import trio

from mailproxy.demo.kept import KeptMail
from mailproxy.demo.lines import Ended
from mailproxy.demo.mailbox import Account
from mailproxy.demo.outcome import Outcome, checks
from mailproxy.demo.programs import Echo, Endpoint, Refused, download_and_delete, look, read_all, submit
from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.errors import StoreError

_TROUBLES = (Ended, Refused, OSError, trio.BrokenResourceError, StoreError, MemoryFailed)
_POP3 = "POP3 program"


class Stage(Protocol):
    """Where the story is seen. Each method may take its time."""

    async def act(self, number: int, title: str, sentence: str) -> None:
        """A new act begins."""

    async def line(self, program: str, who: str, text: str) -> None:
        """A program said (``C``) or heard (``S``) a line."""

    async def note(self, whose: str, text: str) -> None:
        """What the proxy, a command of its, or the mail server did."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the three programs connect to."""

    pop3: Endpoint
    imap: Endpoint
    smtp: Endpoint


class ServerEars:
    """Counts what the real POP3 server was told; give :meth:`received` to the server."""

    def __init__(self) -> None:
        self.deletions = 0

    def received(self, line: bytes) -> None:
        """Note one command line."""
        self.deletions += line.split(b" ")[0].upper() == b"DELE"


class Story:
    """Plays the three programs against the endpoints, over an account that holds some mail."""

    def __init__(
        self, account: Account, ears: ServerEars, where: Endpoints, kept: KeptMail, stage: Stage
    ) -> None:
        self._account = account
        self._ears = ears
        self._where = where
        self._kept = kept
        self._stage = stage
        self._login = (account.user, bytes(account.password).decode())

    async def play(self, sent: bytes, arriving: bytes) -> Outcome:
        """All acts. ``sent`` is what the SMTP program sends, ``arriving`` comes from elsewhere later."""
        outcome = Outcome()
        expected = [*(message.octets for message in self._account.inbox.messages), sent, arriving]
        outcome.stored = len(expected)
        try:
            await self._send(outcome, sent)
            await self._fetch(outcome, arriving)
            seen = await self._read(outcome)
            await self._bring_back(outcome)
        except _TROUBLES as error:
            outcome.trouble = _trouble(error)
            return outcome
        outcome.checks = checks(outcome, expected, sent, seen, self._ears.deletions)
        return outcome

    async def _send(self, outcome: Outcome, sent: bytes) -> None:
        await self._stage.act(1, "A message is sent", "A mail program sends one message, with SMTP.")
        await submit(self._where.smtp, *self._login, [self._account.user], sent, self._echo("SMTP program"))
        outcome.sent = True

    async def _fetch(self, outcome: Outcome, arriving: bytes) -> None:
        await self._stage.act(
            2,
            "A POP3 program downloads, and deletes",
            "An old program on another computer takes all mail and then deletes it on the server (DELE).",
        )
        await self._run(outcome)
        kept = len(await self._kept.listing())
        if kept:
            text = f"QUIT: {kept} messages are kept from here on, and hidden from POP3"
            await self._stage.note("mailproxy", text)
        await self._stage.act(
            3, "It looks for mail again", "It believes those messages deleted, so it must not get them twice."
        )
        await self._run(outcome, since="STAT")
        await self._stage.act(4, "A new message arrives", "It must get this one, and this one alone.")
        self._account.inbox.append(arriving)
        await self._run(outcome, since="STAT")

    async def _run(self, outcome: Outcome, since: str = "") -> None:
        echo = self._echo(_POP3, since)
        outcome.runs.append(await download_and_delete(self._where.pop3, *self._login, echo))

    async def _read(self, outcome: Outcome) -> list[bytes]:
        await self._stage.act(
            5, "You read the same mailbox with IMAP", "Telephone, tablet, webmail: is the mail still there?"
        )
        seen = await read_all(self._where.imap, *self._login, self._echo("IMAP program"))
        outcome.seen_by_imap = len(seen)
        return seen

    async def _bring_back(self, outcome: Outcome) -> None:
        await self._stage.act(
            6,
            "You bring the mail back to the POP3 program",
            "Its computer broke? This is what “mailproxy kept list” and “mailproxy kept restore --all” do.",
        )
        outcome.kept = await self._kept.listing()
        for row in outcome.kept:
            text = f"{row.uidl.decode('ascii', 'backslashreplace')}, {row.octets} octets, by {row.rule}"
            await self._stage.note("kept list", text)
        if not outcome.kept:
            await self._stage.note("kept list", "nothing is kept, so nothing can come back")
            return
        restored = await self._kept.restore()
        await self._stage.note("kept restore", f"{restored} messages are seen again from the next session on")
        outcome.restored = await look(self._where.pop3, *self._login, self._echo(_POP3, "STAT"))

    def _echo(self, program: str, since: str = "") -> Echo:
        """Shows the lines of a program from the command ``since`` on."""
        asked, shown = "", not since

        async def echo(who: str, text: str) -> None:
            nonlocal asked, shown
            shown = shown or text == since
            if shown:
                await self._stage.line(program, who, text)
            if who == "C":
                asked = text
            elif asked.startswith("DELE "):
                await self._stage.note("mailproxy", self._judged(asked, text))
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
