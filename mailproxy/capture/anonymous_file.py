"""An anonymous copy of a capture, as the blocks of a new pcapng file.

Only mail conversations are in it, each as a TCP connection of its own between addresses of the
ranges for documentation; ports and times stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mailproxy.capture import blocks
from mailproxy.capture.anonymous import Anonymous, Replaced
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_remarks import anonymous_remark
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.left_out import left_out
from mailproxy.capture.synthetic import Packet, SyntheticTCP
from mailproxy.proto.tokens import Side

_LARGEST_TIME = 2**64 - 1  # nanoseconds
_INTERFACES = ("client side", "server side")


@dataclass(slots=True)
class _Copied:
    conversation: Conversation
    connection: SyntheticTCP
    anonymous: Anonymous
    opened: bool = False
    remarks: list[str] = field(default_factory=list)


def anonymous_copy(items: Iterable[Item], names: Names, application: str) -> Iterator[bytes]:
    """The file, in pieces. ``application`` names the program that writes it.

    Raises what ``items`` raises; what came before is a file up to there.
    """
    yield blocks.section_header(application)
    for name in _INTERFACES:
        yield blocks.interface(name)
    copies: dict[int, _Copied] = {}
    for item in items:
        number = item.conversation.number
        if isinstance(item, Began):
            copies[number] = _copied(item.conversation, names)
            continue
        copied = copies[number]
        if isinstance(item, Remarked):
            comment = anonymous_remark(names, item.remark)
            yield from _remarked(copied, comment, item.time) if comment else ()
            if item.remark.word == "session":  # who it is has been said; so the legs keep their order
                yield from _opened(copied)
            continue
        yield from _opened(copied)
        if isinstance(item, Said):
            yield from _said(copied, copied.anonymous.said(item.part))
        else:
            yield from _said(copied, copied.anonymous.finish())
            yield from _ended(copied, item)
            del copies[number]


def _copied(conversation: Conversation, names: Names) -> _Copied:
    stream = conversation.stream
    connection = SyntheticTCP(_anonymous(stream.client, names), _anonymous(stream.server, names))
    return _Copied(conversation, connection, Anonymous(conversation.protocol, names))


def _anonymous(end: str, names: Names) -> tuple[str, int]:
    address, _, port = end.rpartition(":")
    return names.address(address.strip("[]")), int(port)


def _opened(copied: _Copied) -> Iterator[bytes]:
    if not copied.opened:
        copied.opened = True
        yield from _packets(copied, copied.connection.open(), copied.conversation.started, copied.remarks)


def _said(copied: _Copied, replaced: Iterable[Replaced]) -> Iterator[bytes]:
    for one in replaced:
        if one.hole:
            interface, time = _interface(copied), _nanoseconds(one.time)
            yield from left_out(copied.connection, one.side, one.hole, interface, time)
        elif one.data:
            yield from _packets(copied, copied.connection.data(one.side, [one.data]), one.time)


def _remarked(copied: _Copied, comment: str, time: float) -> Iterator[bytes]:
    """In front of the first octets it belongs to the connection as a whole."""
    if not copied.opened:
        copied.remarks.append(comment)
        return
    yield from _packets(copied, [copied.connection.acknowledgement(Side.SERVER)], time, [comment])


def _ended(copied: _Copied, ended: Ended) -> Iterator[bytes]:
    if ended.how == "fin":
        yield from _packets(copied, copied.connection.close(), ended.time)
    elif ended.how == "rst":
        yield from _packets(copied, copied.connection.reset(), ended.time)


def _packets(
    copied: _Copied, packets: Iterable[Packet], time: float, comments: Sequence[str] = ()
) -> Iterator[bytes]:
    for packet in packets:
        before, behind = blocks.packet(
            _interface(copied), _nanoseconds(time), packet.headers, packet.octets, comments
        )
        yield b"".join((before, *packet.pieces, behind))
        comments = ()


def _interface(copied: _Copied) -> int:
    return int(copied.conversation.leg == "server")


def _nanoseconds(time: float) -> int:
    return round(time * 1e9) & _LARGEST_TIME
