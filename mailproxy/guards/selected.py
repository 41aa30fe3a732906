"""Which mailbox an IMAP session has selected, in the very octets that the client sent."""

from __future__ import annotations

from dataclasses import dataclass

from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments, Command

SELECTING = frozenset({"SELECT", "EXAMINE"})


@dataclass(frozen=True, slots=True)
class Selected:
    """``read_only``: it was opened with EXAMINE, and the server removes nothing from it (RFC 9051 §6.3.3)."""

    mailbox: bytes
    read_only: bool


def selected_by(command: Command, status: str, before: Selected | None) -> Selected | None:
    """What is selected behind a SELECT or EXAMINE that was answered with this status.

    RFC 9051 §6.3.2: one that fails leaves nothing selected, unless it was not understood.
    """
    if status == "BAD":
        return before
    if status != "OK":
        return None
    try:
        return Selected(Scanner(command.args).astring(), command.verb == "EXAMINE")
    except BadArguments:
        return None
