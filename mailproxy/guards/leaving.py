"""Leaving a mailbox without expunging it."""

from __future__ import annotations

from mailproxy.guards.asking import Asking, Offers, Unfulfilled, ask
from mailproxy.guards.imap_answers import status_text
from mailproxy.guards.mailbox_names import Unquotable, quoted
from mailproxy.guards.selected import Selected
from mailproxy.proto.imap_args import imap_fields
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.tokens import Command
from mailproxy.session.guard import Forward


def leave(command: Command, here: Selected, offers: Offers) -> Asking[Forward]:
    """What becomes of CLOSE: UNSELECT, or else CLOSE of the mailbox once it is read-only (RFC 9051 §6.4.1).

    Raises:
        Unfulfilled: neither is possible.
    """
    known = yield from offers.known()
    if known & {"UNSELECT", "IMAP4REV2"}:
        return Forward(command=unselect(command))
    try:
        name = quoted(here.mailbox)
    except Unquotable as error:
        raise Unfulfilled(str(error).encode(), b"CANNOT") from error
    answer = yield from ask(b"EXAMINE " + name)
    if status_text(answer.line)[0].upper() == b"READ-WRITE":
        raise Unfulfilled(b"the server does not open the mailbox read-only")
    return Forward()


def unselect(close: Command) -> Command:
    """UNSELECT in the place of a CLOSE, with its tag."""
    line = close.tag + b" UNSELECT\r\n"
    return Command("UNSELECT", line, b"", VERBS["UNSELECT"], close.tag, parse=imap_fields)
