"""The parts of one conversation as lines, in their order."""

from __future__ import annotations

from mailproxy.capture.conversations import Conversation
from mailproxy.capture.model import Stream
from mailproxy.capture.parts import Kind, Part
from mailproxy.capture.spoken import Line, Voice, dump_row
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import Command, Side, Verb


def voice(protocol: str) -> Voice:
    conversation = Conversation(1, Stream(0, "a:1", "b:2"), protocol, 0.0)
    return Voice(conversation, full=False, secrets=False)


def part(side: Side, kind: Kind, data: bytes, exchange: int, **more: object) -> Part:
    return Part(side, kind, data, 1.0, 7, exchange, data, len(data), **more)  # type: ignore[arg-type]


def asked(exchange: int, verb: str) -> Part:
    spec: Verb = VERBS[verb]
    command = Command(verb, verb.encode() + b"\r\n", spec=spec)
    return part(Side.CLIENT, Kind.COMMAND, command.line, exchange, command=command)


def told(speaking: Voice, *parts: Part) -> list[str]:
    lines = [spoken for each in parts for spoken in speaking.said(each)]
    return [_told(spoken) for spoken in [*lines, *speaking.finish(9.0)]]


def _told(spoken: Line) -> str:
    return f"{spoken.side.name[0] if spoken.side is not None else '-'} {spoken.text}"


def test_a_body_that_is_cut_off_is_told_in_the_end() -> None:
    lines = told(
        voice("pop3"),
        asked(1, "RETR"),
        part(Side.SERVER, Kind.REPLY, b"+OK\r\n", 1, status="OK"),
        part(Side.SERVER, Kind.BODY, b"half of", 1),
    )
    assert lines[:2] == ["C RETR", "S +OK"]
    assert lines[2].startswith("S [message, 7 octets, ")


def test_a_command_that_is_pipelined_does_not_end_a_body() -> None:
    lines = told(
        voice("pop3"),
        asked(1, "RETR"),
        part(Side.SERVER, Kind.REPLY, b"+OK\r\n", 1, status="OK"),
        part(Side.SERVER, Kind.BODY, b"one\r\n", 1),
        asked(2, "STAT"),
        part(Side.SERVER, Kind.BODY, b"two\r\n.\r\n", 1, ends=True),
        part(Side.SERVER, Kind.REPLY, b"+OK 1 5\r\n", 2, status="OK", ends=True),
    )
    assert lines[2] == "C STAT"
    assert lines[3].startswith("S [message, 10 octets, ")
    assert lines[4] == "S +OK 1 5"


def test_what_cannot_be_read_is_told_before_what_can() -> None:
    lines = told(
        voice("smtp"),
        part(Side.CLIENT, Kind.UNREAD, b"12345", -1),
        part(Side.CLIENT, Kind.UNREAD, b"12345", -1),
        part(Side.SERVER, Kind.REPLY, b"500 what\r\n", -1, status="500"),
    )
    assert lines == ["- 10 octets of the client could not be read", "S 500 what"]


def test_a_line_knows_its_part() -> None:
    speaking = voice("smtp")
    [line] = speaking.said(part(Side.SERVER, Kind.REPLY, b"250 ok\r\n", 3, status="250", ends=True))
    assert (line.kind, line.status, line.exchange, line.frame, line.time) == ("reply", "250", 3, 7, 1.0)


def test_a_row_of_a_dump() -> None:
    assert (
        dump_row(bytes(range(0x1B, 0x2B)))
        == "1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a  ..... !\"#$%&'()*"
    )
    assert dump_row(b"\xffA") == "ff 41" + " " * 44 + ".A"
