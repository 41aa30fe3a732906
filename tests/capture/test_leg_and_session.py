"""What two legs write of a real session is what was on its four wires, however all of it was cut."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproxy.capture import leg as legs
from mailproxy.capture.comments import Remark
from mailproxy.capture.follower import Follower
from mailproxy.capture.parts import Kind
from mailproxy.capture.recorder import Recorder, What
from mailproxy.events import CommandDone, Event
from mailproxy.proto.tokens import Side
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import parse as parse_rules
from mailproxy.session.options import Options
from mailproxy.session.recorded import RecordedSession
from mailproxy.session.verdict import Facts, Judge
from tests import play as played
from tests.capture.test_leg import FEW
from tests.capture.written import Opened, Written, exchanges, read_back
from tests.dialogue import parse
from tests.play import Cut, play, random_cuts
from tests.test_transcripts import FILES, judge_of

C, S = Side.CLIENT, Side.SERVER
NAMES = {C: "client", S: "server"}
HERE, THERE = ("192.0.2.1", 40_000), ("192.0.2.2", 110)
PASSWORD = b"qX7-wolkenkuckucksheim"
DOTS = [b".", b"\r\n", b"\r", b"\n", b"\r\n.", b"..", b"\r\n..\r\n", b"text", b"\r\n.x\r\n", b"a" * 70]
MESSAGES = st.lists(st.sampled_from(DOTS), max_size=12).map(b"".join)


class Listening:
    """Hears what a recorder hears, and keeps it; a recorder of each kind listens too."""

    def __init__(self, protocol: str, octets: int | None) -> None:
        self.protocol = protocol
        self.wires: list[tuple[Side, Side, bytes]] = []  # the leg, who says it, and what
        self.cut_off = False  # nobody answered what came last
        self.heard = 0  # octets that the client got
        self.verdicts: list[tuple[int, int, str]] = []  # what it had when it was said, and had next
        self._open: list[tuple[int, str]] = []
        self.opened = [Opened() for _ in range(3)]
        whats = What(), What(secrets=True), What(octets, secrets=True)
        self._recorders = [
            Recorder("s", protocol, opened, what, now=lambda: 1.0)
            for opened, what in zip(self.opened, whats, strict=True)
        ]
        for each in self._recorders:
            each.client_leg(HERE, THERE)
            each.server_leg(HERE, THERE)

    def client_leg(self, client: Any, listener: Any) -> None: ...
    def server_leg(self, own: Any, server: Any) -> None: ...

    def arrived(self, side: Side, data: bytes, cut: bool = False) -> None:
        self.wires.append((side, side, data))
        for each in self._recorders:
            each.arrived(side, data, cut)

    def left(self, side: Side, pieces: Sequence[bytes], cut: bool = False) -> None:
        self.wires.append((side, side.other, b"".join(pieces)))
        if side is C and any(pieces):
            before, self.heard = self.heard, self.heard + sum(map(len, pieces))
            assert all(had == before for had, _ in self._open)
            self.verdicts += [(before, self.heard, verb) for _, verb in self._open]
            self._open.clear()
        for each in self._recorders:
            each.left(side, pieces, cut)

    def event(self, event: Event) -> None:
        if isinstance(event, CommandDone) and event.verdict != "own" and event.status != "unanswered":
            self._open.append((self.heard, event.verb))
        for each in self._recorders:
            each.event(event)

    def end(self) -> None:
        for each in self._recorders:
            each.end()


def check(heard: Listening, secrets: Sequence[bytes] = ()) -> None:
    """Compares with a follower that got each octet by itself, in the order of the wires."""
    heard.end()
    masked, open_, short = heard.opened
    for leg in Side:
        said = [(by, data) for wire, by, data in heard.wires if wire is leg]
        reader = Follower(heard.protocol, decrypted=True)
        parts = [part for by, data in said for part in reader.feed(by, data)] + reader.finish()
        shown, true, cut = (each.legs[NAMES[leg]] for each in (masked, open_, short))
        assert not shown.remarked("lost"), shown.remarks
        if not true.remarked("starttls"):
            for side in Side:
                assert true.said(side) == b"".join(data for by, data in said if by is side)
                assert shown.said(side) == b"".join(part.shown for part in parts if part.side is side)
                assert cut.octets(side) == len(true.said(side))
            if not heard.cut_off and not any(part.kind is Kind.UNREAD for part in parts):
                assert exchanges(read_back(heard.protocol, true)) == exchanges(parts)
                assert exchanges(read_back(heard.protocol, cut)) == exchanges(parts)
        for secret in secrets:
            for start in range(len(secret) - FEW + 1):
                assert secret[start : start + FEW] not in shown.everything
    for each in heard.opened:
        check_verdicts(heard, each.legs["client"])


def check_verdicts(heard: Listening, leg: Written) -> None:
    """A verdict stands where the client has all that it got with the answer."""
    if leg.remarked("starttls"):
        return
    found: list[tuple[int, int, str]] = []
    octets = 0
    for packet in leg.packets:
        before = octets
        if packet.side is S and packet.octets is not None:
            octets += packet.octets if isinstance(packet.octets, int) else len(packet.octets)
        of_client = packet.side is C and packet.octets is not None
        told = [remark.fields["verb"] for remark in packet.remarks if is_answered(remark)]
        assert not (told and of_client), "a verdict stands on the answer"
        found += [(before, octets, verb) for verb in told if packet.side is S]
    for (start, end, verb), (had, has, done) in zip(found, heard.verdicts, strict=False):
        assert verb == done
        assert end > had, (verb, "before its answer")
        assert start < has, (verb, "behind its answer")


def is_answered(remark: Remark) -> bool:
    return remark.word == "verdict" and remark.fields.get("status") != "unanswered"


class Mailbox:
    """A server with any answers: reads commands of its protocol, and says what the test has drawn."""

    def __init__(self, protocol: str, messages: Sequence[bytes]) -> None:
        self._protocol = protocol
        self._messages = list(messages)
        self._waits = b""
        self._count = 0
        self._ends = b""  # of a message that is under way
        self._skip = 0

    def greeting(self) -> bytes:
        return {"pop3": b"+OK hello\r\n", "imap": b"* OK hello\r\n", "smtp": b"220 hello\r\n"}[self._protocol]

    def hear(self, data: bytes) -> bytes:
        self._waits += data
        said = b""
        while True:
            if self._skip:
                taken, self._waits = self._waits[: self._skip], self._waits[self._skip :]
                self._skip -= len(taken)
                if self._skip:
                    return said
                if self._protocol == "smtp":
                    said += b"250 chunk\r\n"
                continue
            end = self._waits.find(self._ends or b"\r\n")
            if end < 0:
                return said
            line, self._waits = self._waits[:end], self._waits[end + len(self._ends or b"\r\n") :]
            if self._ends:
                self._ends = b""
                said += b"250 sent\r\n"
                continue
            said += getattr(self, f"_{self._protocol}")(line)

    def _message(self) -> bytes:
        self._count += 1
        return self._messages[self._count % len(self._messages)] if self._messages else b""

    def _pop3(self, line: bytes) -> bytes:
        verb = line.split(b" ")[0].upper()
        if verb in (b"RETR", b"TOP", b"UIDL", b"LIST", b"CAPA"):
            body = self._message().replace(b"\r\n.\r\n", b"\r\n..\r\n")
            if body.startswith(b".\r\n") or verb in (b"CAPA", b"UIDL", b"LIST"):
                body = b"one\r\ntwo 2\r\n" * (1 + 20 * len(body))
            if not body.endswith(b"\r\n"):
                body += b"\r\n"
            if body.endswith(b"\r\n.\r\n"):
                body = body[:-3]
            return b"+OK\r\n" + body + b".\r\n"
        return b"-ERR no such thing\r\n" if verb in (b"XFOO", b"NOOP") else b"+OK\r\n"

    def _smtp(self, line: bytes) -> bytes:
        verb = line.split(b" ")[0].upper()
        if verb == b"EHLO":
            return b"250-x\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 CHUNKING\r\n"
        if verb == b"DATA":
            self._ends = b"\r\n.\r\n"
            self._waits = b"\r\n" + self._waits
            return b"354 go\r\n"
        if verb == b"BDAT":
            self._skip = int(line.split(b" ")[1])
            return b"" if self._skip else b"250 chunk\r\n"
        return b"235 in\r\n" if verb == b"AUTH" else b"250 ok\r\n"

    def _imap(self, line: bytes) -> bytes:
        tag, _, rest = line.partition(b" ")
        if rest.endswith(b"}"):
            self._skip = int(rest.rpartition(b"{")[2].rstrip(b"+}"))
            self._waits = b"" + self._waits
            self._tag = tag
            return b"+ go\r\n"
        if not tag:
            return b"* OK what\r\n" + self._tag + b" OK\r\n"
        if rest.startswith(b"FETCH"):
            body = self._message()
            item = b"* 1 FETCH (BODY[] {%d}\r\n%s FLAGS ())\r\n" % (len(body), body)
            return item * 2 + tag + b" OK\r\n"
        return tag + b" OK\r\n"

    _tag = b"*"


LINES = {
    "pop3": [
        b"USER ann\r\nPASS %s\r\n" % PASSWORD,
        *(b"RETR 1\r\n", b"TOP 2 3\r\n", b"RETR 1\r\nRETR 2\r\nNOOP\r\nRETR 3\r\n", b"UIDL\r\n", b"CAPA\r\n"),
        *(b"DELE 1\r\n", b"NOOP\r\n", b"LIST\r\n", b"RETR 1\r\nDELE 1\r\n", b"XFOO bar\r\n", b"STAT\r\n"),
        b"%s\r\n" % PASSWORD,
        b"XFOO %s\r\n" % (b"x" * 70_000),
    ],
    "smtp": [
        *(b"EHLO c\r\n", b"NOOP\r\n", b"AUTH PLAIN AGFubgB4\r\n", b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"),
        b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
        b"BDAT 20 LAST\r\n.\r\nQUIT\r\n.\r\n%s" % (b"x" * 9),
        b"%s\r\n" % PASSWORD,
        b"NOOP %s\r\n" % (b"x" * 70_000),
        *(b"VRFY x\r\n", b"RSET\r\n"),
    ],
    "imap": [
        b"a1 LOGIN ann %s\r\n" % PASSWORD,
        b"a2 LOGIN ann {%d+}\r\n%s\r\n" % (len(PASSWORD), PASSWORD),
        *(b"a3 SELECT x\r\n", b"a4 FETCH 1 BODY[]\r\n", b"a5 NOOP\r\n", b"a6 STORE 1 FLAGS (\\Deleted)\r\n"),
        b"a7 FETCH 1 BODY[]\r\na8 FETCH 2 BODY[]\r\n",
        b"a9 APPEND x {30+}\r\n.\r\na0 NOOP\r\n.\r\n%s\r\n" % (b"x" * 15),
        b"%s\r\n" % PASSWORD,
        b"b1 NOOP %s\r\n" % (b"x" * 70_000),
    ],
}


def judge_for(protocol: str) -> Judge:
    rule = '[[rule]]\nname = "r"\non = ["%s"]\ndo = "block"\n'
    verb = {"pop3": "pop3 DELE", "imap": "imap STORE", "smtp": "smtp VRFY"}[protocol]
    return RuleSet(parse_rules((rule % verb).encode(), Path("r.toml"))).judge(protocol)


def cuts(source: random.Random) -> Cut:
    longest = source.choice([1, 3, 5, 8, 40, 100_000])

    def cut(data: bytes) -> Iterator[bytes]:
        start = 0
        while start < len(data):
            end = start + source.randint(1, longest if len(data) < 10_000 else 30_000)
            yield data[start:end]
            start = end

    return cut


def run(
    protocol: str,
    lines: Sequence[bytes],
    messages: Sequence[bytes],
    guard: bool,
    octets: int | None,
    seed: int,
) -> Listening:
    """A dialogue in which both sides' octets arrive in any pieces, in any order that their answers allow."""
    source = random.Random(seed)
    heard = Listening(protocol, octets)
    session = RecordedSession(
        protocol, Options(guard=guard), Facts(protocol, tls=True), judge_for(protocol), heard.event
    )
    session.recorder = heard
    server = Mailbox(protocol, messages)
    cut: dict[Side, Callable[[bytes], Iterator[bytes]]] = {C: cuts(source), S: cuts(source)}
    script: list[bytes] = []
    for line in lines:
        script.append(line)
        if b"DATA\r\n" in line:
            script.append(b"*")  # waits for the server, and then sends a message
    session.receive(S, server.greeting())
    session.take(C)
    waiting: dict[Side, list[bytes]] = {C: [], S: []}
    numbers = iter(range(10**6))
    steps = 0
    while not session.closed and steps < 200_000:
        steps += 1
        ready = [side for side in Side if waiting[side] and session.wants(side)]
        if not ready or (script and source.random() < 0.2):
            if not script and not ready:
                break
            if script and script[0] == b"*":
                if ready:
                    pass
                else:
                    script.pop(0)
                    message = messages[next(numbers) % len(messages)] if messages else b"x"
                    data = message + b"\r\n.\r\n" + (b"NOOP\r\n" if source.random() < 0.5 else b"")
                    waiting[C] += cut[C](data)
                    continue
            elif script:
                waiting[C] += cut[C](script.pop(0))
                continue
            elif not ready:
                break
        side = source.choice(ready)
        session.receive(side, waiting[side].pop(0))
        for to in (S, C):
            pieces = session.take(to)
            if to is S and pieces:
                waiting[S] += cut[S](server.hear(b"".join(pieces)))
        if session.paused:
            session.resume()
    heard.cut_off = session.closed
    return heard


@pytest.mark.parametrize("protocol", LINES)
@pytest.mark.parametrize("guard", [True, False], ids=["guard", "observe"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_both_legs_are_the_four_wires(protocol: str, guard: bool, data: st.DataObject) -> None:
    lines = data.draw(st.lists(st.sampled_from(LINES[protocol]), max_size=8))
    messages = data.draw(st.lists(MESSAGES, min_size=1, max_size=3))
    octets = data.draw(st.sampled_from([0, 3, 50]))
    seed = data.draw(st.integers(0, 10_000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(legs, "BODY_OCTETS", data.draw(st.sampled_from([1, 20, 200, 49_152])))
        heard = run(protocol, lines, messages, guard, octets, seed)
        check(heard, [PASSWORD])


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_transcripts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorded(RecordedSession):
        def __init__(
            self, protocol: str, options: Options, facts: Facts, judge: Judge, emit: Any, **more: Any
        ):
            self.recorder = heard = Listening(protocol, 3)

            def both(event: Event) -> None:
                heard.event(event)
                emit(event)

            super().__init__(protocol, options, facts, judge, both, **more)

    monkeypatch.setattr(played, "Session", Recorded)
    monkeypatch.setattr(legs, "BODY_OCTETS", 20)
    transcript = parse(path)
    session = play(transcript, judge_of(transcript), random_cuts(7)).session
    assert isinstance(session, Recorded)
    check(session.recorder)  # type: ignore[arg-type]


LONG = b"x" * 70_000  # too long for a session, which then goes blind, but not for a leg
SECRET = b"AGFubgBzdXBlcnNlY3JldA=="


@pytest.mark.parametrize(
    ("protocol", "wires"),
    [
        pytest.param(
            "smtp",
            [
                (S, b"220 x\r\n"),
                (C, b"NOOP %s\r\n" % LONG),
                (S, b"250 x\r\n"),
                (C, b"DATA\r\n"),
                (S, b"354 go\r\n"),
                (C, b"Subject: x\r\n\r\ntext\r\n"),
                (C, b"more of it\r\n.\r\nAUTH PLAIN %s\r\n" % SECRET),
                (S, b"250 sent\r\n535 not %s\r\n" % SECRET),
            ],
            id="client",
        ),
        pytest.param(
            "pop3",
            [
                (S, b"+OK\r\n"),
                (C, b"NOOP %s\r\n" % LONG),
                (S, b"-ERR\r\n"),
                (C, b"RETR 1\r\nPASS %s\r\n" % SECRET),
                (S, b"+OK\r\nall of the text\r\n"),
                (S, b"more of it\r\n.\r\n-ERR not %s\r\n" % SECRET),
            ],
            id="server",
        ),
    ],
)
def test_a_blind_session_hands_on_what_it_has_not_cut(protocol: str, wires: list[tuple[Side, bytes]]) -> None:
    heard = Listening(protocol, 3)
    session = RecordedSession(protocol, Options(guard=False), Facts(protocol), emit=heard.event)
    session.recorder = heard
    for side, data in wires:
        session.receive(side, data)
        for to in (S, C):
            session.take(to)
    assert session.blind
    check(heard, [SECRET])


@pytest.mark.parametrize("guard", [True, False], ids=["guard", "observe"])
@pytest.mark.parametrize("first", Side)
def test_what_looks_like_tls_inside_of_it_hides_no_less(first: Side, guard: bool) -> None:
    heard = Listening("pop3", 3)
    session = RecordedSession("pop3", Options(guard=guard), Facts("pop3", tls=True), emit=heard.event)
    session.recorder = heard
    wires = [(S, b"+OK\r\n"), (C, b"USER ann\r\n"), (S, b"+OK\r\n"), (C, b"PASS %s\r\n" % SECRET)]
    for side, data in [(first, b"\x16\x03\x01 hello\r\n"), *wires]:
        session.receive(side, data)
        for to in (S, C):
            session.take(to)
    check(heard, [SECRET])
