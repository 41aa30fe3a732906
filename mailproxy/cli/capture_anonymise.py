"""``mailproxy capture anonymise``: a copy without names, addresses and texts."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from mailproxy.cli.capture_files import OneFile, notes_of, say
from mailproxy.cli.errors import fail
from mailproxy.cli.tables import counted
from mailproxy.config.errors import printable


def anonymise(
    file: OneFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new file: pcapng.")],
    session: Annotated[
        int | None,
        typer.Option(
            "--session", "-n", min=1, help="Only this one: its number in capture list.", metavar="N"
        ),
    ] = None,
) -> None:
    """Write a copy of a capture without names, addresses and texts, for a public bug report.

    Verbs, statuses, numbers, flags, capabilities, header names, MIME types, dates, times and ports stay,
    and every line has as many octets as before. Names, mail addresses, mailboxes, UIDLs and Message-IDs
    become other words of the same length, the same for the same name in this file; IP addresses
    come from the ranges for documentation; of subjects and bodies only lines and blanks stay. What is no
    mail, or is TLS, is left out. Still look at the copy before you publish it.

    \b
    Examples:
      mailproxy capture anonymise yesterday.pcapng.gz report.pcapng
      mailproxy capture anonymise yesterday.pcapng.gz report.pcapng --session 3
      mailproxy capture show report.pcapng --full
    """
    from mailproxy import __version__
    from mailproxy.capture.anonymous_file import anonymous_copy
    from mailproxy.capture.anonymous_names import Names
    from mailproxy.capture.choosing import Choice
    from mailproxy.capture.conversations import FileTally, conversations
    from mailproxy.capture.model import CaptureError
    from mailproxy.capture.new_file import NewFile
    from mailproxy.cli.progress import reading

    tally = FileTally()
    choice = Choice(session, "both")
    names = Names(secrets.token_bytes(32))
    try:
        with reading(file) as progress, NewFile(out) as new:
            items = conversations(file, tally, progress, choice.wants)
            for piece in anonymous_copy(items, names, f"mailproxy {__version__}"):
                new.write(piece)
            if not choice.found:
                fail(f"{file}: there is no such mail session in it; see mailproxy capture list {file}")
            new.keep()
    except CaptureError as error:
        fail(str(error))
    except FileExistsError:
        fail(f"{out}: it is there already; name a new file")
    for note in notes_of(tally):
        say(f"{file}: {note}")
    typer.echo(f"{counted(choice.found, 'conversation')} written to {printable(str(out))}")
