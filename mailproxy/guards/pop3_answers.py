"""Answers about a maildrop of which the program does not see all (RFC 1939 §5, §7)."""

from __future__ import annotations

from mailproxy.guards.maildrop import Maildrop
from mailproxy.proto.pop3_args import number, top_arguments
from mailproxy.proto.tokens import BadArguments, Command

_NO_SUCH = b"-ERR There is no such message\r\n"


def answer_from(command: Command, maildrop: Maildrop) -> bytes:
    """The answer to STAT, LAST, LIST or UIDL."""
    verb, args = command.verb, command.args
    if verb in ("LIST", "UIDL") and args:
        asked = number(args)
        message = maildrop.find(asked) if asked is not None else None
        if asked is None or message is None or (verb == "UIDL" and not message.uidl):
            return _NO_SUCH
        return b"+OK %d %s\r\n" % (asked, message.uidl if verb == "UIDL" else b"%d" % message.octets)
    if args:
        return b"-ERR " + verb.encode() + b" takes no argument\r\n"
    match verb:
        case "STAT":
            return maildrop.stat()
        case "LAST":
            return b"+OK %d\r\n" % maildrop.last
        case "LIST":
            return maildrop.list_all()
        case _:
            return maildrop.uidl_all()


def translated(command: Command, maildrop: Maildrop) -> bytes:
    """RETR or TOP with the number that the server knows; empty when there is no such message."""
    if command.verb == "RETR":
        message = maildrop.find(number(command.args) or 0)
        return b"RETR %d\r\n" % message.number if message is not None else b""
    try:
        asked, lines = top_arguments(command.args)
    except BadArguments:
        return b""
    message = maildrop.find(asked)
    return b"TOP %d %d\r\n" % (message.number, lines) if message is not None else b""
