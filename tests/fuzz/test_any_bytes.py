"""Any bytes, from both sides, in any phase, at any cut.

Three sentences are tested:

1. No exception escapes a session.
2. What a guarding listener forwards is made of whole lines without bare CR, LF
   or NUL outside bodies and literals, and a second reader (:mod:`tests.oracle`)
   finds in it the very commands that the session says it forwarded.
3. How the client's bytes are cut changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproxy.proto.tokens import Command, Side
from mailproxy.session.options import Options
from mailproxy.session.verdict import NO_RULES, Action, Decision, Facts, Judge
from tests.dialogue import Send, parse
from tests.play import TRANSCRIPTS, Wires, byte_by_byte, check_what_the_server_read, whole

RULES = {
    "pop3": frozenset({"DELE", "RETR"}),
    "imap": frozenset({"EXPUNGE", "UID EXPUNGE", "STORE", "APPEND", "SELECT", "CLOSE", "LOGIN"}),
    "smtp": frozenset({"RCPT", "BDAT"}),
}
# The dialogue that leads to each phase, and what follows it there.
PHASES = {
    "pop3": {"greeting": ("", b""), "authorization": ("", b"+OK\r\n"), "transaction": ("login", b"")},
    "imap": {
        "greeting": ("", b""),
        "not authenticated": ("", b"* OK hi\r\n"),
        "LITERAL+ offered": ("", b"* OK [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n"),
        "authenticated": ("login", b""),
        "selected": ("selected", b""),
    },
    "smtp": {
        "greeting": ("", b""),
        "before EHLO": ("", b"220 hi\r\n"),
        "ready": ("hello", b""),
        "mail": ("mail", b""),
    },
}
CLIENT_WORDS = {
    "pop3": [
        *(
            b"USER a\r\n",
            b"PASS b\r\n",
            b"AUTH PLAIN\r\n",
            b"AUTH\r\n",
            b"AGEAYg==\r\n",
            b"*\r\n",
            b"CAPA\r\n",
        ),
        *(b"STAT\r\n", b"LIST\r\n", b"LIST 1\r\n", b"RETR 1\r\n", b"TOP 1 1\r\n", b"DELE 1\r\n", b"NOOP\r\n"),
        *(b"QUIT\r\n", b"STLS\r\n", b"LANG\r\n", b"XTND XMIT\r\n", b"UTF8\r\n", b"RSET", b" ", b"\t", b"1"),
    ],
    "imap": [
        *(
            b"a NOOP\r\n",
            b"b LOGIN a b\r\n",
            b"c LOGIN {1}\r\n",
            b"d LOGIN {1+}\r\na {1+}\r\nb\r\n",
            b"e IDLE\r\n",
        ),
        *(
            b"DONE\r\n",
            b"f AUTHENTICATE PLAIN\r\n",
            b"AGEAYg==\r\n",
            b"g APPEND x {3}\r\n",
            b"abc\r\n",
            b"\r\n",
        ),
        *(
            b"h APPEND x {3+}\r\n",
            b"i SEARCH TEXT {3+}\r\n",
            b"j SELECT x\r\n",
            b"k EXPUNGE\r\n",
            b"{9}",
            b'"',
        ),
        *(
            b"l STORE 1 +FLAGS {2+}\r\n",
            b"m SELECT {1}\r\nx\r\n",
            b"n STARTTLS\r\n",
            b"o CLOSE\r\n",
            b"(",
            b"~{2+}\r\n",
        ),
        *(
            b"p UID FETCH 1 BODY[]\r\n",
            b"q LOGOUT\r\n",
            b"r ID NIL\r\n",
            b"s ENABLE X\r\n",
            b" ",
            b"{0+}\r\n",
            b"a ",
        ),
    ],
    "smtp": [
        *(
            b"EHLO a\r\n",
            b"HELO a\r\n",
            b"MAIL FROM:<a@b>\r\n",
            b"RCPT TO:<a@b>\r\n",
            b"DATA\r\n",
            b"text\r\n",
        ),
        *(
            b".\r\n",
            b"..\r\n",
            b"BDAT 3\r\nabc",
            b"BDAT 0 LAST\r\n",
            b"BDAT x\r\n",
            b"AUTH PLAIN AGEAYg==\r\n",
        ),
        *(b"AUTH LOGIN\r\n", b"YQ==\r\n", b"*\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"STARTTLS\r\n"),
        *(
            b"VRFY a\r\n",
            b".",
            b"\r\n.",
            b"\n.\r\n",
            b"\r.\r",
            b"XFOO\r\n",
            b"BDAT 99999999999999999999 LAST\r\n",
            b" ",
        ),
    ],
}
SERVER_WORDS = {
    "pop3": [
        b"+OK\r\n",
        b"+OK 1 2\r\n",
        b"-ERR\r\n",
        b"+ \r\n",
        b"1 2\r\n",
        b".\r\n",
        b"STLS\r\n",
        b"text\r\n",
        b"..\r\n",
    ],
    "imap": [
        *(
            b"a OK\r\n",
            b"b OK\r\n",
            b"c NO\r\n",
            b"d OK\r\n",
            b"e OK\r\n",
            b"f NO\r\n",
            b"g OK\r\n",
            b"+ go\r\n",
        ),
        *(
            b"* OK hi\r\n",
            b"* BYE\r\n",
            b"* CAPABILITY IMAP4rev1 LITERAL+\r\n",
            b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n",
        ),
        *(
            b"h OK\r\n",
            b"i OK\r\n",
            b"j OK\r\n",
            b"l BAD\r\n",
            b"m OK\r\n",
            b'* LIST () "/" {1}\r\n',
            b"x\r\n",
        ),
    ],
    "smtp": [
        *(
            b"220 hi\r\n",
            b"250 ok\r\n",
            b"250-a\r\n250 CHUNKING\r\n",
            b"354 go\r\n",
            b"334 \r\n",
            b"235 ok\r\n",
        ),
        *(b"550 no\r\n", b"503 no\r\n", b"250-a\r\n", b"421 bye\r\n", b"221 bye\r\n"),
    ],
}
NOISE = [
    b"\r",
    b"\n",
    b"\0",
    b"\r\n",
    b"\xff\xfe",
    b"x" * 300,
    b"-",
    b"250 ",
    b"+",
    b"*",
    b"{",
    b"}\r\n",
    b"\x1b[2J",
]

Turn = tuple[Side, bytes]


def words(protocol: str) -> st.SearchStrategy[list[Turn]]:
    """What both sides say, in turns: sensible words, noise, and anything at all."""

    def of(side: Side, table: dict[str, list[bytes]]) -> st.SearchStrategy[Turn]:
        sensible = st.sampled_from(table[protocol])
        said = st.one_of(sensible, sensible, sensible, st.sampled_from(NOISE), st.binary(max_size=12))
        return st.tuples(st.just(side), said)

    both = st.one_of(of(Side.CLIENT, CLIENT_WORDS), of(Side.SERVER, SERVER_WORDS))
    return st.lists(both, max_size=30)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a session stands when anything at all begins to happen."""

    protocol: str
    phase: str

    def wires(self, *, guard: bool, rules: bool, starttls: bool = False) -> Wires:
        armed: list[bool] = []
        judge = _judge(self.protocol, armed) if rules else NO_RULES
        wires = Wires(self.protocol, Options(guard=guard, starttls=starttls), judge)
        name, said = PHASES[self.protocol][self.phase]
        if name:
            _lead_to(wires, TRANSCRIPTS / self.protocol / f"{name}.txt")
        wires.send(Side.SERVER, whole(said))
        armed.append(True)
        return wires


def _lead_to(wires: Wires, path: Path) -> None:
    """Both sides say what they say in a transcript; it is tested elsewhere what comes of it."""
    transcript = parse(path)
    for name in transcript.options.get("after", ()):
        _lead_to(wires, path.with_name(f"{name}.txt"))
    for item in transcript.items:
        if isinstance(item, Send):
            wires.send(item.side, whole(item.octets))


STARTS = [Start(protocol, phase) for protocol, phases in PHASES.items() for phase in phases]
every_start = pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start.protocol}, {start.phase}")


def _judge(protocol: str, armed: list[bool]) -> Judge:
    """Rules that refuse or rewrite, as soon as they are armed."""
    actions = {"SELECT": Action.EXAMINE, "CLOSE": Action.UNSELECT}

    def decide(command: Command, facts: Facts) -> Decision | None:
        if not armed or command.verb == "LOGIN":  # LOGIN is collected and judged, then forwarded
            return None
        return Decision(actions.get(command.verb, Action.BLOCK), "fuzz")

    return Judge(RULES[protocol], decide)


def _say(wires: Wires, turns: list[Turn], *, bytewise: bool = False) -> None:
    for side, data in turns:
        wires.send(side, byte_by_byte(data) if bytewise else whole(data))
        if wires.session.upgrade and not wires.session.closed:
            wires.session.upgraded("TLSv1.3")
            wires.flow()


@every_start
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_exception_and_nothing_ambiguous_goes_upstream(start: Start, data: st.DataObject) -> None:
    turns = data.draw(words(start.protocol))
    rules, starttls, bytewise = data.draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    wires = start.wires(guard=True, rules=rules, starttls=starttls)
    _say(wires, turns, bytewise=bytewise)
    check_what_the_server_read(wires)
    wires.session.eof(data.draw(st.sampled_from(Side)), clean=False)
    wires.flow()


@every_start
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_no_exception_when_all_is_only_observed(start: Start, data: st.DataObject) -> None:
    wires = start.wires(guard=False, rules=False)
    _say(wires, data.draw(words(start.protocol)), bytewise=data.draw(st.booleans()))
    wires.session.eof(data.draw(st.sampled_from(Side)))
    wires.flow()


@every_start
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_how_bytes_are_cut_changes_nothing(start: Start, data: st.DataObject) -> None:
    turns = data.draw(words(start.protocol))
    one, other = (start.wires(guard=True, rules=True) for _ in range(2))
    _say(one, turns)
    _say(other, turns, bytewise=True)
    assert one.got[Side.CLIENT] == other.got[Side.CLIENT]
    assert one.session.closed is other.session.closed
    to_server, also = bytes(one.got[Side.SERVER]), bytes(other.got[Side.SERVER])
    if one.session.dropped:  # what an unfinished command had sent so far depends on the cuts
        assert to_server.startswith(also) or also.startswith(to_server)
    else:
        assert to_server == also


def test_words_belong_to_their_protocols() -> None:
    assert PHASES.keys() == CLIENT_WORDS.keys() == SERVER_WORDS.keys() == RULES.keys()
    assert all(Path(TRANSCRIPTS / start.protocol).is_dir() for start in STARTS)
