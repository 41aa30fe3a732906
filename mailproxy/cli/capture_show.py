"""``mailproxy capture show``: sessions as dialogues, printed while the file is read.

Sessions that overlap in the file overlap on the screen, each line with the number of its session:
to print one behind the other, all but one would have to be held, and each may have any size.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from mailproxy.capture.conversations import Item


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
    wanted = _needle(grep)
    choice = _choice(file, session, leg.value if leg else None, user)
    with _items(file, choice) as items:
        if wanted is None:
            from mailproxy.capture.dialogue import Dialogue

            lines = Lines(Dialogue(full=full, secrets=secrets).lines(items), whole=full)
            _print(lines, as_json)
            return
        from mailproxy.capture.searching import Search

        hits = Hits(Search(wanted, any_case=any_case, secrets=secrets).hits(items))
        _print(hits, as_json)
    if not hits.count:
        raise typer.Exit(1)


def _print(lines: Lines | Hits, as_json: bool) -> None:
    if as_json:
        print_list(lines.described())
        return
    for line in lines.printed():
        sys.stdout.write(f"{line}\n")


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


@contextmanager
def _items(file: Path, choice: Choice) -> Iterator[Iterator[Item]]:
    """What the file says. Leaves with 1 when it cannot be read, or has no such session."""
    from mailproxy.capture.conversations import FileTally, conversations
    from mailproxy.capture.model import CaptureError

    tally = FileTally()
    with reading(file, printing=True) as progress:
        try:
            yield conversations(file, tally, progress, choice.wants)
        except CaptureError as error:
            sys.stdout.flush()
            fail(str(error))
    sys.stdout.flush()
    if tally.conversations and not choice.found:
        fail(f"{file}: the session that was asked for is not in it; see mailproxy capture list --legs")
    if not tally.conversations:
        say_notes(file, 0, tally)
