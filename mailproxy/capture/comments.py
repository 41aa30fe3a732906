r"""The comments that stand on packets of our captures: ``mailproxy WORD {"key": "value", ...}``.

Wireshark shows them as they are, and searches in them (``frame.comment contains "keep"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

_PREFIX = "mailproxy "
LONGEST = 8192  # octets of a comment
_CUT = "…"  # stands where a text was too long


@dataclass(frozen=True, slots=True)
class Remark:
    """One comment of ours.

    ``word`` says what it is about:

    ``session``   on the first packet: id, leg (``client`` or ``server``), protocol, and as far as they are
                  known: listener, upstream, client, server
    ``tls``       side, version, cipher: TLS is up on one side
    ``starttls``  command, reply: this exchange was left out of the packets; TLS began behind it
    ``login``     user, mechanism, tls
    ``login_failed``  user, mechanism
    ``verdict``   verb, text, verdict, status, and where there are: rule, why
    ``would_have``  verb, rule, action
    ``capture``   rule: because of it, the session is recorded
    ``anomaly``, ``failure``  what the log says
    ``lost``      octets, why: they are missing behind this packet, or before it
    ``end``       user, seconds, commands, reason, verdicts
    """

    word: str
    fields: Mapping[str, Any]


def write(word: str, **fields: Any) -> str:
    """The comment; empty fields are left out, and texts are shortened until all fits."""
    kept = {name: value for name, value in fields.items() if value not in ("", None)}
    limit = LONGEST
    while True:
        comment = f"{_PREFIX}{word} {_json(kept)}"
        if len(comment.encode()) <= LONGEST or limit < 2:
            return comment
        limit //= 2
        kept = {name: _shortened(value, limit) for name, value in kept.items()}


def _json(fields: Mapping[str, Any]) -> str:
    try:
        return msgspec.json.encode(fields).decode()
    except UnicodeEncodeError:  # half of a pair of surrogates, which stands for no character
        return msgspec.json.encode({name: _encodable(value) for name, value in fields.items()}).decode()


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _shortened(value: Any, limit: int) -> Any:
    return value[:limit] + _CUT if isinstance(value, str) and len(value) > limit else value


def read(comment: str) -> Remark | None:
    """What a comment says; None when it is none of ours. Never raises: anybody may have written the file."""
    if not comment.startswith(_PREFIX) or len(comment) > LONGEST:
        return None
    word, _, rest = comment[len(_PREFIX) :].partition(" ")
    try:
        fields = msgspec.json.decode(rest, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return Remark(word, fields)
