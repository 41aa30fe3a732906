"""Sessions of a capture as rows: for a pipe, a terminal, and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailproxy.cli.capture_files import moment
from mailproxy.cli.tables import counted, size_of

if TYPE_CHECKING:
    from mailproxy.capture.listing import Row

HEAD = (
    *("no", "started", "protocol", "client", "server", "user", "tls", "commands", "messages"),
    *("from client", "from server", "seconds", "end", "session", "remarks"),
)
SHORT_HEAD = ("no", "session", "said", "remarks")  # so that nothing is cut off in 80 columns


def cells(row: Row) -> tuple[str, ...]:
    """The row as it is printed."""
    conversation = row.conversation
    return (
        str(conversation.number),
        moment(conversation.started),
        conversation.protocol,
        conversation.stream.client,
        conversation.stream.server,
        row.user or (f"{row.refused} (refused)" if row.refused else ""),
        row.tls,
        str(row.commands),
        str(row.messages),
        *(size_of(octets) for octets in row.octets),
        f"{row.seconds:.3f}",
        f"quit, {row.how}" if row.left else row.how,
        f"{conversation.session} {conversation.leg}".strip(),
        remarks(row),
    )


def short_cells(row: Row) -> tuple[str, ...]:
    """The same in fewer columns, whose words may stand below each other."""
    number, started, protocol, client, server, user, tls, *_, seconds, end, _, words = cells(row)
    leg = f"{row.conversation.leg}'s leg" if row.conversation.leg else ""
    said = [counted(row.commands, "command"), *([counted(row.messages, "message")] if row.messages else [])]
    said += [f"{size_of(row.octets[0])} → {size_of(row.octets[1])}", f"{seconds} s", end]
    return (
        number,
        " ".join(filter(None, (started, protocol, tls, client, "→", server, user))),
        ", ".join(said),
        ", ".join(filter(None, (leg, words))),
    )


def remarks(row: Row) -> str:
    """What is out of the ordinary."""
    words = [f"{verdict} {count}" for verdict, count in sorted(row.verdicts.items())]
    if row.gaps:
        words.append(f"{counted(row.gaps, 'gap')} ({counted(row.missing, 'octet')})")
    for octets, what in ((row.unread, "unread"), (row.sealed, "in TLS")):
        if octets:
            words.append(f"{counted(octets, 'octet')} {what}")
    return ", ".join(words)


def row_described(row: Row) -> dict[str, object]:
    """The row for JSON."""
    conversation = row.conversation
    return {
        "number": conversation.number,
        "started": conversation.started,
        "protocol": conversation.protocol,
        "session": conversation.session,
        "leg": conversation.leg,
        "client": conversation.stream.client,
        "server": conversation.stream.server,
        "user": row.user,
        "refused": row.refused,
        "tls": row.tls,
        "commands": row.commands,
        "messages": row.messages,
        "octets_client": row.octets[0],
        "octets_server": row.octets[1],
        "seconds": row.seconds,
        "end": row.how,
        "quit": row.left,
        "verdicts": dict(row.verdicts),
        "gaps": row.gaps,
        "missing": row.missing,
        "unread": row.unread,
        "sealed": row.sealed,
    }
