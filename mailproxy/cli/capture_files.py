"""What the commands that look into captures have in common: their files, and what is said of these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.tables import counted, time_of
from mailproxy.config.errors import printable

if TYPE_CHECKING:
    from mailproxy.capture.conversations import FileTally

Files = Annotated[
    list[Path],
    typer.Argument(help="pcap or pcapng files; .gz is fine.", metavar="FILE", show_default=False),
]
OneFile = Annotated[
    Path, typer.Argument(help="A pcap or pcapng file; .gz is fine.", metavar="FILE", show_default=False)
]


def say_notes(path: Path, sessions: int, tally: FileTally) -> None:
    """Says on standard error what in the file was no mail, or could not be taken for it."""
    if not sessions:
        say(f"{path}: there is no mail in it that could be told ({counted(tally.packets.packets, 'packet')})")
    for note in notes_of(tally):
        say(f"{path}: {note}")


def notes_of(tally: FileTally) -> Iterator[str]:
    """One line for each kind of thing that was left out."""
    packets = tally.packets
    for number, noun, what in (
        (tally.ignored, "TCP stream", "no mail"),
        (tally.silent, "TCP stream", "without an octet"),
        (packets.not_tcp, "packet", "no TCP"),
        (packets.fragments, "packet", "fragments of IP, which are not put together"),
        (packets.damaged, "packet", "damaged"),
    ):
        if number:
            yield f"{counted(number, noun)}: {what}"
    yield from packets.notes


def described(path: Path, sessions: int, tally: FileTally, error: str) -> dict[str, object]:
    """The same for JSON."""
    packets = tally.packets
    return {
        "file": str(path),
        "sessions": sessions,
        "not_mail": tally.ignored,
        "silent": tally.silent,
        "packets": packets.packets,
        "octets": packets.octets,
        "not_tcp": packets.not_tcp,
        "fragments": packets.fragments,
        "damaged": packets.damaged,
        "retransmitted": packets.retransmitted,
        "notes": list(packets.notes),
        "error": error,
    }


def say(text: str) -> None:
    """A line for people, on standard error."""
    typer.echo(f"mailproxy: {printable(text)}", err=True)


def moment(seconds: float) -> str:
    """As :func:`~mailproxy.cli.tables.time_of`; a time that no calendar has is a number."""
    try:
        return time_of(seconds)
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g}"
