"""One line of a client, cut into a command as the tables say.

This is for examples and explanations. A session cuts lines with its dialect,
which also knows what a lenient server might read; what is refused there
before any rule is asked is refused here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mailproxy.proto.imap_args import imap_fields
from mailproxy.proto.pop3_args import pop3_fields
from mailproxy.proto.smtp_args import smtp_fields
from mailproxy.proto.tokens import Command
from mailproxy.rules.errors import did_you_mean
from mailproxy.rules.verbs import TABLES

_TAG = re.compile(rb"[!#$&',\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+ ")  # RFC 9051 §9, tag
_LITERAL = re.compile(rb"\{\d+\+?\}$")
_PARSERS: Mapping[str, Callable[[Command], dict[str, Any]]] = {
    "pop3": pop3_fields,
    "imap": imap_fields,
    "smtp": smtp_fields,
}


class BadLine(ValueError):
    """A line is no command of the protocol. ``hint`` says what might have been meant."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.hint = hint


def command_from_line(protocol: str, line: bytes) -> Command:
    """The command in ``line``, which has no line end.

    Raises:
        BadLine: it is no command that the protocol's table knows.
    """
    tag, rest = b"", line
    if protocol == "imap":
        match = _TAG.match(line)
        if match is None:
            raise BadLine("an IMAP line begins with a tag", 'as in "a1 EXPUNGE"')
        tag, rest = match.group()[:-1], line[match.end() :]
    verb, _, args = rest.partition(b" ")
    if protocol == "imap" and verb.upper() == b"UID":
        second, _, args = args.partition(b" ")
        verb += b" " + second
    table = TABLES[protocol]
    name = verb.decode("latin-1").upper()
    spec = table.get(name)
    if spec is None:
        raise BadLine(f"{protocol} has no command {name[:40]!r}", did_you_mean(name, table))
    partial = protocol == "imap" and _LITERAL.search(args) is not None
    return Command(name, line + b"\r\n", args, spec, tag, partial=partial, parse=_PARSERS[protocol])
