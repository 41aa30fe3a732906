"""Where packets begin in a capture, so that Wireshark's dissectors show all that was said.

Of a POP3 packet they read the first line only, and take a packet that begins with neither ``+OK`` nor
``-ERR`` for a part of a message. So each command and each reply has a packet of its own, a
list stands in one packet with its ``+OK``, and the end of a message behind it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mailproxy.capture.parts import Kind, Part
from mailproxy.proto.tokens import Side

_END = b".\r\n"
_MESSAGES = frozenset({"RETR", "TOP"})
_LARGEST_LIST = 48_000  # octets that wait for the rest of a list; a packet has room for 60,000
_OF_THEIR_OWN = frozenset({Kind.COMMAND, Kind.RESPONSE})


class Shape:
    """The packets of one conversation of ``protocol``, part by part in the order of a follower."""

    __slots__ = ("_last", "_list", "_octets", "_protocol", "_verbs")

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._verbs: dict[int, str] = {}
        self._last: list[tuple[Kind, int] | None] = [None, None]  # kind and exchange of each side's last part
        self._list: list[Part] = []  # of a POP3 list that is not complete
        self._octets = 0

    def ready(self, parts: list[Part]) -> list[Part]:
        """The parts that may be written now; the octets of each side stay in order."""
        if self._protocol != "pop3":
            return parts
        return [ready for part in parts for ready in self._in_whole_lists(part)]

    def rest(self) -> list[Part]:
        """What still waits, at the end."""
        rest, self._list, self._octets = self._list, [], 0
        return rest

    def _in_whole_lists(self, part: Part) -> list[Part]:
        if part.command is not None:
            self._verbs[part.exchange] = part.command.verb
        if part.side is Side.CLIENT:
            return [part]
        begins = part.kind is Kind.REPLY and not part.ends and part.status == "OK"
        if begins and not self._list and self._verbs.get(part.exchange, "") not in _MESSAGES:
            self._list, self._octets = [part], part.octets
            return []
        if not self._list:
            return [part]
        self._list.append(part)
        self._octets += part.octets
        return self.rest() if part.ends or part.kind is not Kind.BODY or self._octets > _LARGEST_LIST else []

    def pieces(self, part: Part, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """The octets of a part. True: a packet begins with them."""
        last = self._last[part.side]
        self._last[part.side] = part.kind, part.exchange
        if self._protocol == "pop3" and part.kind is Kind.BODY:
            yield from self._body(part, data, last == (part.kind, part.exchange))
        elif self._protocol == "smtp" and part.kind is Kind.DATA:
            yield last != (part.kind, part.exchange), data
        elif part.kind is Kind.REPLY:
            yield self._protocol != "imap" or part.ends, data
        else:
            yield part.kind in _OF_THEIR_OWN, data
        if part.ends:
            self._verbs.pop(part.exchange, None)

    def _body(self, part: Part, data: bytes, goes_on: bool) -> Iterator[tuple[bool, bytes]]:
        message = self._verbs.get(part.exchange, "") in _MESSAGES
        if not message or not part.ends or not data.endswith(_END):
            yield message and not goes_on, data
            return
        if len(data) > len(_END):
            yield not goes_on, data[: -len(_END)]
        yield True, _END
