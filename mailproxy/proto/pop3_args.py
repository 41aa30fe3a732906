"""The arguments of POP3 commands (RFC 1939, 5034).

``args`` are the octets behind the verb and the one blank that follows it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mailproxy.proto.tokens import BadArguments, Command
from mailproxy.proto.veil import NOTHING, Span, abridged

# No leading zero: a C library may read 010 as eight.
_NUMBER = re.compile(rb"[1-9][0-9]{0,9}\Z")
_TOP = re.compile(rb"([1-9][0-9]{0,9}) (0|[1-9][0-9]{0,9})\Z")
_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")  # RFC 4422 §3.1; longer may be a secret in its place
_ONE = frozenset({"RETR", "DELE"})
_ONE_OR_ALL = frozenset({"LIST", "UIDL"})


def pop3_fields(command: Command) -> dict[str, Any]:
    """What a rule may ask of the arguments.

    ``set`` (str): the message number as sent; ``""`` when LIST or UIDL ask for all. Verbs:
    LIST, UIDL, RETR, TOP, DELE. Other verbs have no field.

    Raises:
        BadArguments: the argument is no message number (RFC 1939 §3, §5).
    """
    args = command.args
    if command.verb in _ONE_OR_ALL and not args:
        return {"set": ""}
    if command.verb in _ONE or command.verb in _ONE_OR_ALL:
        if number(args) is None:
            raise BadArguments(f"{command.verb} takes one message number")
        return {"set": args.decode("ascii")}
    if command.verb == "TOP":
        return {"set": str(top_arguments(args)[0])}
    return {}


def number(args: bytes) -> int | None:
    """The message number that the arguments are, or None when they are anything else."""
    return int(args) if _NUMBER.match(args) else None


def top_arguments(args: bytes) -> tuple[int, int]:
    """The message number and the count of body lines of TOP (RFC 1939 §7).

    Raises:
        BadArguments: they are not two numbers with one blank between them.
    """
    match = _TOP.match(args)
    if match is None:
        raise BadArguments("TOP takes a message number and a number of lines")
    return int(match[1]), int(match[2])


def secrets(verb: str, args: bytes) -> Sequence[Span]:
    """Where in the arguments PASS, the digest of APOP and an initial response stand."""
    if not args or verb not in ("PASS", "APOP", "AUTH"):
        return NOTHING
    word, blank, _ = args.partition(b" ")
    if verb == "PASS" or (verb == "APOP" and not blank):  # a lone word may be the digest
        return [(0, len(args))]
    if verb == "AUTH" and not _MECHANISM.fullmatch(word):
        return [(0, len(args))]
    return [(len(word) + 1, len(args))] if blank else NOTHING


def mask(verb: str, args: bytes) -> bytes:
    """The arguments as they may be shown, each secret replaced by ``***``."""
    return abridged(args, secrets(verb, args))
