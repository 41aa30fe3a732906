"""The replies of a recorded SMTP exchange, and what its command means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailproxy.player.pieces import Source
from mailproxy.player.recorded import is_answered, server_turns

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Exchange

_PATH = re.compile(rb"(?:FROM|TO): ?(<[^>]*>|[^ ]*)", re.I)
_CHUNK = re.compile(rb"[0-9]+( LAST)?", re.I)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, all its lines."""

    code: bytes
    octets: bytes


def replies_of(exchange: Exchange) -> list[Reply]:
    """What the server said to one command: one reply, more with DATA and AUTH; none if it never ended."""
    if not is_answered(exchange):
        return []
    replies: list[Reply] = []
    lines: list[bytes] = []
    for line in iter(Source(server_turns(exchange)).line, b""):
        lines.append(line)
        if line[3:4] != b"-":
            replies.append(Reply(line[:3], b"".join(lines)))
            lines = []
    return replies


def key_of(verb: str, args: bytes) -> tuple[str, bytes]:
    """Equal for commands that mean the same: an address counts, its parameters and its case do not."""
    if verb in ("MAIL", "RCPT"):
        path = _PATH.match(args)
        return verb, path[1].strip(b"<>").lower() if path else args
    if verb == "BDAT":
        size = _CHUNK.fullmatch(args)
        return verb, b"" if size and not size[1] else b"LAST" if size else args
    return verb, args.strip()
