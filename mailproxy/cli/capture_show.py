"""``mailproxy capture show``: sessions as dialogues, printed while the file is read.

Sessions that overlap in the file overlap on the screen, each line with the number of its session:
to print one behind the other, all but one would have to be held, and each may have any size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailproxy.cli.capture_files import OneFile, say, say_notes
from mailproxy.cli.dialogue_lines import Hits, Lines
from mailproxy.cli.errors import fail
from mailproxy.cli.json_lines import print_list
from mailproxy.cli.names import utf8_name
from mailproxy.cli.opened import AsJson
from mailproxy.cli.progress import reading

if TYPE_CHECKING:
    from mailproxy.capture.choosing import Choice
    from mailproxy.capture.conversations import FileTally, Item
    from mailproxy.capture.snapshot import Snapshot
    from mailproxy.cli.shares import Numbered, Share


class Leg(StrEnum):
    """Which connection of a session that mailproxy has recorded."""

    client = "client"
    server = "server"
    both = "both"


def show(
    file: OneFile,
    session: Annotated[
        int | None,
        typer.Option(
            "--session", "-n", min=1, help="Only this one: its number in capture list.", metavar="N"
        ),
    ] = None,
    leg: Annotated[
        Leg | None,
        typer.Option(
            "--leg", help="Which connection of recorded sessions; else the client's.", show_default=False
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Only sessions of this user.", callback=utf8_name)
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option("--grep", help="Only lines with this text, those of messages too.", metavar="TEXT"),
    ] = None,
    any_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="With --grep: a to z in either case.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Messages and lists whole, not folded.")] = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Passwords as they stand in the file, and unread octets.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, max=64, help="Processes that read a long file; else up to 4.", metavar="N"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print sessions as dialogues that people can read.

    Sessions that overlap are printed as they were recorded: the number in front of a line is that of
    its session. With --grep the exit code is 1 when nothing is found.

    \b
    Examples:
      mailproxy capture show session.pcapng
      mailproxy capture show dump.pcap --session 3 --full | less
      mailproxy capture show dump.pcap --user alice --grep "Message-ID: <42@"
    """
    from mailproxy.capture.conversations import FileTally
    from mailproxy.capture.model import CaptureError
    from mailproxy.cli.shares import in_shares, shares_of

    needle = _needle(grep)
    choice = _choice(file, session, leg.value if leg else None, user)
    shares = 1 if session is not None else shares_of(file, jobs)
    tally = FileTally()
    with reading(file, printing=True) as progress, _opened(file, shares) as opened:
        shown = _Shown(opened, tally, choice, progress, needle, any_case, full, secrets, as_json)
        try:
            printed = _print(in_shares(shown.lines, shares), as_json)
        except CaptureError as error:
            sys.stdout.flush()
            fail(str(error))
    sys.stdout.flush()
    if tally.conversations and not choice.found:
        fail(f"{file}: the session that was asked for is not in it; see mailproxy capture list --legs")
    if not tally.conversations:
        say_notes(file, 0, tally)
    if needle is not None and not printed:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What of a file is to be shown, and how."""

    file: Path | Snapshot
    tally: FileTally
    choice: Choice
    progress: Callable[[int], None]
    needle: bytes | None
    any_case: bool
    full: bool
    secrets: bool
    as_json: bool

    def lines(self, share: Share) -> Iterator[Numbered]:
        """The lines of a share, each with the number of the event that brought it."""
        from mailproxy.capture.conversations import conversations

        lines = self._lines(
            conversations(
                self.file,
                self.tally,
                share.has_read if share.number else self.progress,  # one process tells how far it is
                lambda each: self.choice.wants(each) and share.has(self.choice.found),
            )
        )
        for line in lines.described() if self.as_json else lines.printed():
            yield self.tally.events, line

    def _lines(self, items: Iterator[Item]) -> Lines | Hits:
        if self.needle is None:
            from mailproxy.capture.dialogue import Dialogue

            return Lines(Dialogue(full=self.full, secrets=self.secrets).lines(items), whole=self.full)
        from mailproxy.capture.searching import Search

        return Hits(Search(self.needle, any_case=self.any_case, secrets=self.secrets).hits(items))


@contextmanager
def _opened(file: Path, shares: int) -> Iterator[Path | Snapshot]:
    """For several processes: all have to see the same, though it may grow, or lose its name."""
    from mailproxy.capture.snapshot import Snapshot

    if shares == 1:
        yield file
        return
    try:
        snapshot = Snapshot(file)
    except OSError:  # whoever reads it says so
        yield file
        return
    try:
        yield snapshot
    finally:
        snapshot.close()


def _print(several: Iterator[Sequence[Any]], as_json: bool) -> int:
    """Prints some lines at a time; how many there were."""
    printed = 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal printed
        for lines in several:
            printed += len(lines)
            yield lines

    if as_json:
        print_list(chain.from_iterable(counted()))
    else:
        write = sys.stdout.write
        for lines in counted():
            write("\n".join(lines) + "\n")
    return printed


def _needle(text: str | None) -> bytes | None:
    if text is None:
        return None
    if not text or "\n" in text:
        raise typer.BadParameter("a text within one line is needed", param_hint="--grep")
    return text.encode("utf-8", "surrogateescape")


def _choice(file: Path, session: int | None, leg: str | None, user: str | None) -> Choice:
    from mailproxy.capture.choosing import Choice, Users
    from mailproxy.capture.conversations import conversations
    from mailproxy.capture.model import CaptureError

    if user is None:
        return Choice(session, leg)
    if not file.is_file() and file.exists():
        fail(f"{file}: it has to be read twice to find a user's sessions, and is no file; save it as one")
    users = Users(user)
    try:
        with reading(file) as progress:
            users.read(conversations(file, None, progress, shown=False))
    except CaptureError as error:
        if not users.read_any:
            fail(str(error))
        say(f"{error}; sessions that were open there are shown, whosever they are")
    return Choice(session, leg, users)
