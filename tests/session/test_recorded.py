"""A recorded session does what any session does, and its recorder hears every octet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailproxy.events import CaptureWanted, CommandDone, Event
from mailproxy.proto.tokens import Side
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import parse as parse_rules
from mailproxy.session.options import Options
from mailproxy.session.recorded import RecordedSession
from mailproxy.session.verdict import Facts
from tests import play as played
from tests.dialogue import parse
from tests.play import play, random_cuts, whole
from tests.test_transcripts import FILES, judge_of


class Heard:
    """A recorder that only listens."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []
        self.arrivals = {Side.CLIENT: bytearray(), Side.SERVER: bytearray()}
        self.departures = {Side.CLIENT: bytearray(), Side.SERVER: bytearray()}

    def client_leg(self, client: tuple[str, int], listener: tuple[str, int]) -> None: ...
    def server_leg(self, own: tuple[str, int], server: tuple[str, int]) -> None: ...
    def end(self) -> None: ...

    def arrived(self, side: Side, data: bytes, cut: bool = False) -> None:
        self.log.append((f"{side.name} says", data))
        self.arrivals[side] += data

    def left(self, side: Side, pieces: Sequence[bytes], cut: bool = False) -> None:
        self.log.append((f"{side.name} hears", b"".join(pieces)))
        self.departures[side] += b"".join(pieces)

    def event(self, event: Event) -> None:
        self.log.append((type(event).__name__, event))


class Listening(RecordedSession):
    """A recorded session with a recorder of its own from the start."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.recorder = Heard()
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize("cut", [whole, random_cuts(7)], ids=["whole", "random"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcripts_come_out_the_same_and_all_of_it_is_heard(
    path: Path, cut: played.Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(played, "Session", Listening)
    transcript = parse(path)
    wires = play(transcript, judge_of(transcript), cut)
    heard = wires.session.recorder  # type: ignore[attr-defined]
    assert heard.arrivals == wires.sent
    assert heard.departures == wires.got


def session(starting: Sequence[tuple[Side, bytes]] = ()) -> tuple[RecordedSession, Heard]:
    heard = Heard()
    made = RecordedSession("pop3", Options(), Facts("pop3"), emit=heard.event)
    made.recorder = heard
    for side, data in ((Side.SERVER, b"+OK\r\n"), *starting):
        made.receive(side, data)
        for each in Side:
            made.take(each)
    heard.log.clear()
    return made, heard


def test_a_command_is_heard_before_it_is_answered_here() -> None:
    made, heard = session()
    made.receive(Side.CLIENT, b"XYZZY\r\n")
    made.take(Side.CLIENT)
    assert [word for word, _ in heard.log] == ["CLIENT says", "Anomaly", "CommandDone", "CLIENT hears"]


def test_a_reply_is_heard_once_it_is_known_what_it_means() -> None:
    made, heard = session([(Side.CLIENT, b"NOOP\r\n")])
    made.receive(Side.SERVER, b"+OK\r\n")
    made.take(Side.CLIENT)
    assert [word for word, _ in heard.log] == ["CommandDone", "SERVER says", "CLIENT hears"]
    assert isinstance(heard.log[0][1], CommandDone)


def test_nothing_to_send_is_not_heard() -> None:
    made, heard = session()
    made.take(Side.CLIENT)
    made.take(Side.SERVER)
    assert heard.log == []


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("pop3", "S: +OK|C: USER ann|S: +OK|C: PASS x|S: +OK"),
        ("pop3", "S: +OK|C: AUTH PLAIN|S: + |C: AGFubgBzZWNyZXQ=|S: +OK"),
        ("pop3", "S: +OK|C: AUTH PLAIN AGFubgBzZWNyZXQ=|S: +OK"),
        ("imap", "S: * OK|C: a LOGIN ann x|S: a OK"),
        ("imap", "S: * OK|C: a AUTHENTICATE PLAIN|S: + |C: AGFubgBzZWNyZXQ=|S: a OK"),
        ("smtp", "S: 220 x|C: EHLO c|S: 250 x|C: AUTH LOGIN|S: 334 |C: YW5u|S: 334 |C: eA==|S: 235 x"),
    ],
)
def test_a_rule_about_a_user_wants_the_session_however_he_logs_in(protocol: str, text: str) -> None:
    rule = '[[rule]]\nname = "r"\non = ["login"]\nwhen = \'user == "ann"\'\ndo = "capture"\n'
    judge = RuleSet(parse_rules(rule.encode(), Path("r.toml"))).judge(protocol)
    heard = Heard()
    made = RecordedSession(protocol, Options(), Facts(protocol, tls=True), judge, heard.event)
    made.recorder = heard
    for line in text.split("|"):
        made.receive(Side.CLIENT if line[0] == "C" else Side.SERVER, line[3:].encode() + b"\r\n")
        for side in Side:
            made.take(side)
    assert [event for _, event in heard.log if isinstance(event, CaptureWanted)] == [CaptureWanted("r")]
