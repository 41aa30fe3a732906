"""What our own proxy and the server said to each other in a captured session, to be found by command."""

from __future__ import annotations

import re

from mailproxy.capture.exchanges import Exchange, Recording
from mailproxy.proto.imap_commands import split
from mailproxy.session.dialogues import OWN
from mailproxy.session.screen import LOGINS

_NON_SYNCHRONISING = re.compile(rb"\{(\d+)\+\}\Z")
_SASL = frozenset({"AUTH", "AUTHENTICATE"})

Key = tuple[str, bytes]
"""The verb of a command, and its arguments up to the first literal. Of a login, not what is secret."""


def key_of(protocol: str, octets: bytes) -> Key:
    """The key of the command with which these octets begin."""
    line = octets.partition(b"\n")[0].rstrip(b"\r")
    if protocol == "imap":
        _, verb, args = split(line)
    else:
        word, _, args = line.partition(b" ")
        verb = word.upper().decode("ascii", "replace")
    if verb in LOGINS:
        return verb, args.partition(b" ")[0].upper() if verb in _SASL else b""
    return verb, _NON_SYNCHRONISING.sub(rb"{\1}", args)


class ServerLeg:
    """The exchanges that were answered; each is taken once."""

    def __init__(self, protocol: str, recording: Recording) -> None:
        self._exchanges: dict[Key, list[Exchange]] = {}
        for exchange in recording.exchanges:
            if exchange.command is not None and exchange.status:
                key = key_of(protocol, exchange.command.line)
                self._exchanges.setdefault(key, []).append(exchange)

    def take(self, key: Key, *, own: bool) -> Exchange | None:
        """The first that is left; of two, the one that was the proxy's ``own`` then, or was not."""
        found = self._exchanges.get(key, [])
        alike = (exchange for exchange in found if _is_own(exchange) is own)
        exchange = next(alike, found[0] if found else None)
        if exchange is not None:
            found.remove(exchange)
        return exchange


def _is_own(exchange: Exchange) -> bool:
    return exchange.verdict is not None and exchange.verdict.get("verdict") == OWN
