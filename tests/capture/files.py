"""Capture files of one conversation or more, made of what was said and remarked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailproxy.proto.tokens import Side
from tests.capture.packets import ACK, CLIENT, FIN, SERVER, SYN, End, enhanced, interface, packet, section

Line = tuple[Side, bytes] | tuple[Side, bytes, str] | tuple[Side, int]


def frames(
    said: Iterable[Line], *, client: End = CLIENT, server: End = SERVER, first: str = ""
) -> list[bytes]:
    """A connection with these octets, holes (numbers) and comments; ``first`` is the comment on its SYN."""
    ends, sequence = (client, server), [1001, 5001]
    first_comment = (first,) if first else ()
    file = [
        enhanced(packet(client, server, 1000, flags=SYN), *first_comment),
        enhanced(packet(server, client, 5000, flags=SYN | ACK, ack=1001)),
    ]
    for side, what, *comments in said:
        if isinstance(what, int):
            sequence[side] += what
            continue
        segment = packet(ends[side], ends[side.other], sequence[side], what, ack=sequence[side.other])
        file.append(enhanced(segment, *comments))  # type: ignore[arg-type]
        sequence[side] += len(what)
    for side in Side:
        segment = packet(
            ends[side], ends[side.other], sequence[side], flags=FIN | ACK, ack=sequence[side.other] + side
        )
        file.append(enhanced(segment))
    return file


def write(path: Path, *connections: list[bytes]) -> Path:
    path.write_bytes(section() + interface() + b"".join(frame for each in connections for frame in each))
    return path
