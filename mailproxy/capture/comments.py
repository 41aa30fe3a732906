r"""The comments that stand on packets of our captures: ``mailproxy WORD {"key": "value", ...}``.

Wireshark shows them as they are, and searches in them (``frame.comment contains "keep"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

_PREFIX = "mailproxy "
LONGEST = 8192  # octets of a comment; more are cut off, and it is no comment of ours any more


@dataclass(frozen=True, slots=True)
class Remark:
    """One comment of ours.

    ``word`` says what it is about:

    ``session``   id, leg (``client`` or ``server``), protocol, listener, upstream, client; on a stream's first packet
    ``tls``       side, version, cipher: TLS is up on one side
    ``starttls``  command, reply: this exchange was left out of the packets; TLS began behind it
    ``login``     user, mechanism, tls
    ``login_failed``  user, mechanism
    ``verdict``   verb, text, verdict, status, and where there are: rule, why
    ``would_have``  verb, rule, action
    ``anomaly``, ``failure``  what the log says
    ``lost``      octets, why: they are missing behind this packet, or before it
    ``end``       user, seconds, commands, reason, verdicts
    """

    word: str
    fields: Mapping[str, Any]


def write(word: str, **fields: Any) -> str:
    """The comment; empty fields are left out."""
    kept = {name: value for name, value in fields.items() if value not in ("", None)}
    return f"{_PREFIX}{word} {msgspec.json.encode(kept).decode()}"


def read(comment: str) -> Remark | None:
    """What a comment says; None when it is none of ours. Never raises: anybody may have written the file."""
    if not comment.startswith(_PREFIX) or len(comment) > LONGEST:
        return None
    word, _, rest = comment[len(_PREFIX) :].partition(" ")
    try:
        fields = msgspec.json.decode(rest, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
    return Remark(word, fields)
