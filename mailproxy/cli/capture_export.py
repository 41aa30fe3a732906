"""``mailproxy capture export``: messages, dialogues or data out of a capture."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.capture_files import OneFile, notes_of, say
from mailproxy.cli.capture_show import Leg
from mailproxy.cli.errors import fail
from mailproxy.cli.names import utf8_name
from mailproxy.cli.progress import reading
from mailproxy.cli.tables import counted, on_terminal, print_table, size_of

if TYPE_CHECKING:
    from mailproxy.capture.choosing import Choice
    from mailproxy.capture.conversations import Item
    from mailproxy.capture.eml_files import Found, Written


_HEAD = ("file", "session", "command", "number", "uid", "mailbox", "size", "sender")


def export(
    file: OneFile,
    eml: Annotated[
        Path | None,
        typer.Option("--eml", metavar="DIR", help="Each message into a file of its own there."),
    ] = None,
    mbox: Annotated[
        Path | None,
        typer.Option("--mbox", metavar="FILE", help="All messages into this new file; - is a pipe."),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Print the dialogues as lines.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each session.")] = False,
    session: Annotated[
        int | None,
        typer.Option(
            "--session", "-n", min=1, help="Only this one: its number in capture list.", metavar="N"
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Only sessions of this user.", callback=utf8_name)
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also what is only a part of a message: TOP, BODY[HEADER].")
    ] = False,
    leg: Annotated[
        Leg | None,
        typer.Option(
            "--leg", help="Which connection of recorded sessions; else the client's.", show_default=False
        ),
    ] = None,
) -> None:
    """Take messages, dialogues or data out of a capture.

    --eml gives messages octet for octet, as they were before dots were doubled. --mbox has LF for
    CRLF, quotes ">From " so that it can be undone, and has messages that are whole only. A message
    of which octets are missing ends in .incomplete.eml, and the gap is named. Nothing is
    overwritten. --text and --json hold no secrets, but --text holds the messages.

    \b
    Examples:
      mailproxy capture export yesterday.pcapng.gz --eml mail
      mailproxy capture export yesterday.pcapng.gz --mbox alice.mbox --user alice
      mailproxy capture export yesterday.pcapng.gz --text --session 3
      mailproxy capture export yesterday.pcapng.gz --json | jq .user
    """
    if [eml is not None, mbox is not None, text, as_json].count(True) != 1:
        raise typer.BadParameter("say one of --eml DIR, --mbox FILE, --text and --json")
    if str(mbox) == "-" and on_terminal():
        raise typer.BadParameter("a message could command the terminal; use a pipe", param_hint="--mbox")
    from mailproxy.capture.model import CaptureError

    try:
        choice = _chosen(file, session, user, leg)
        if eml is not None:
            _to_folder(file, eml, choice, partial)
        elif mbox is not None:
            _to_mbox(file, mbox, choice, partial)
        elif text:
            _print_text(file, choice)
        else:
            _print_json(file, choice)
    except CaptureError as error:
        fail(str(error))


def _chosen(file: Path, session: int | None, user: str | None, leg: Leg | None) -> Choice:
    from mailproxy.capture.choosing import Choice, Users
    from mailproxy.capture.conversations import conversations

    users = None
    if user is not None:
        with reading(file) as progress:
            users = Users(user, conversations(file, None, progress, shown=False))
    return Choice(session, leg.value if leg else None, users)


def _items(file: Path, choice: Choice) -> Iterator[Item]:
    from mailproxy.capture.conversations import FileTally, conversations

    tally = FileTally()
    with reading(file) as progress:
        yield from conversations(file, tally, progress, choice.wants)
    for note in notes_of(tally):
        say(f"{file}: {note}")
    if not choice.found:
        fail(f"{file}: there is no such mail session in it; see mailproxy capture list {file}")


def _found(file: Path, choice: Choice, partial: bool) -> Iterator[Found]:
    from mailproxy.capture.eml_files import messages_in

    return messages_in(_items(file, choice), partial)


def _to_folder(file: Path, folder: Path, choice: Choice, partial: bool) -> None:
    from mailproxy.capture.eml_files import write_files

    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        fail(f"{folder}: it is no folder; name one, or a new one")
    try:
        _report(file, write_files(_found(file, choice, partial), folder))
    except FileExistsError as error:
        fail(f"{error.filename2 or error.filename}: it is there already; name an empty folder")


def _to_mbox(file: Path, target: Path, choice: Choice, partial: bool) -> None:
    from mailproxy.capture.mbox_file import write_mbox
    from mailproxy.capture.new_file import NewFile

    found = _found(file, choice, partial)
    if str(target) == "-":
        out = sys.stdout.buffer
        for written in write_mbox(found, out.write):
            _complain(written, "is left out")
        out.flush()
        return
    try:
        with NewFile(target) as new:
            _report(file, write_mbox(found, new.write))
            new.keep()
    except FileExistsError:
        fail(f"{target}: it is there already; name a new file")


def _report(file: Path, written: Iterator[Written]) -> None:
    count = 0

    def rows() -> Iterator[tuple[str, ...]]:
        nonlocal count
        for one in written:
            message = one.message
            _complain(one, f"is {one.file}" if one.file else "is left out; use --eml")
            if one.file:
                count += 1
                place = (one.file, str(one.conversation.number), message.verb, message.id, message.uid)
                yield (*place, message.mailbox, size_of(message.octets), message.sender or "")

    print_table(_HEAD, rows())
    say(f"{counted(count, 'message')} from {file}")


def _complain(one: Written, consequence: str) -> None:
    message = one.message
    if message.whole:
        return
    named = f"session {one.conversation.number}, {message.verb} {message.id or message.uid}".rstrip()
    lacks = f"{message.missing} octets are" if message.missing else "the end is"
    say(f"{named}: {lacks} not in the capture, so it {consequence}")


def _print_text(file: Path, choice: Choice) -> None:
    from mailproxy.capture.transcripts import transcripts

    for piece in transcripts(_items(file, choice)):
        typer.echo(piece, nl=False)


def _print_json(file: Path, choice: Choice) -> None:
    from mailproxy.capture.described import descriptions

    for one in descriptions(_items(file, choice)):
        typer.echo(json.dumps(one).replace("\x7f", "\\u007f"))
