"""What was said goes into the file, octet for octet, but for what nobody may see."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailproxy.capture import leg as leg_module
from mailproxy.capture.comments import write
from mailproxy.capture.leg import Leg
from mailproxy.proto.tokens import Side
from tests.capture.logins import ECHOES, LOGINS, Login, Said, dialogue
from tests.capture.written import Written
from tests.play import Cut, byte_by_byte, random_cuts, whole

CUTS = {"whole": whole, "byte by byte": byte_by_byte, **{f"seed {n}": random_cuts(n) for n in range(3)}}
LINES = [
    line.replace(b"|", b"\r\n")
    for line in (
        *(
            b"+OK|",
            b"-ERR|",
            b"+ |",
            b"* OK|",
            b"a OK|",
            b"a BAD|",
            b"220 x|",
            b"250 x|",
            b"354 x|",
            b"334 |",
        ),
        *(b"STLS|", b"STARTTLS|", b"a STARTTLS|", b"RETR 1|", b"UIDL|", b".|", b"PASS x|", b"AUTH PLAIN|"),
        *(
            b"a IDLE|",
            b"DONE|",
            b"a APPEND x {12}|",
            b"a APPEND {1+}|",
            b"x {5+}|",
            b"hello",
            b")|",
            b"EHLO x|",
        ),
        *(b"* 1 FETCH (BODY[] {9}|", b"* LIST () {3}|", b"* CAPABILITY IMAP4rev1|", b"a LOGIN x {4}|"),
        *(b"MAIL FROM:<>|", b"DATA|", b"BDAT 9|", b"BDAT 4 LAST|", b"a AUTHENTICATE PLAIN|"),
    )
]
any_octets = st.one_of(
    st.sampled_from(LINES), st.lists(st.sampled_from(LINES), max_size=4).map(b"".join), st.binary(max_size=20)
)
FEW = 4  # so many octets of a secret in a row are too many


def written(
    protocol: str, said: Said, cut: Cut = whole, octets: int | None = None, secrets: bool = False
) -> Written:
    sink = Written()
    leg = Leg(protocol, sink, octets, secrets)
    for index, (side, data) in enumerate(said):
        for piece in cut(data):
            leg.said(side, [piece], float(index))
    leg.close(99.0)
    return sink


def of(side: Side, said: Said) -> bytes:
    return b"".join(data for by, data in said if by is side)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("login", LOGINS, ids=lambda login: f"{login.protocol} {login.name}")
def test_secrets_become_stars_and_nothing_else_changes(login: Login, cut: Cut) -> None:
    check(login, cut)


@pytest.mark.parametrize("login", ECHOES, ids=lambda login: f"{login.protocol} {login.name}")
def test_what_a_server_repeats_is_hidden_too(login: Login) -> None:
    for cut in (whole, byte_by_byte):
        check(login, cut)


def check(login: Login, cut: Cut) -> None:
    sink = written(login.protocol, login.said, cut)
    for side in Side:
        true, shown = of(side, login.said), sink.said(side)
        assert len(shown) == len(true)
        assert all(a == b or b == ord("*") for a, b in zip(true, shown, strict=True))
    for secret in login.secrets:
        for start in range(len(secret) - FEW + 1):
            assert secret[start : start + FEW] not in sink.everything, (secret[start:], sink.everything)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("login", LOGINS, ids=lambda login: f"{login.protocol} {login.name}")
def test_with_secrets_all_is_as_it_was_said(login: Login, cut: Cut) -> None:
    sink = written(login.protocol, login.said, cut, secrets=True)
    assert [sink.said(side) for side in Side] == [of(side, login.said) for side in Side]


ACCEPTED = {
    "pop3": dialogue("S: +OK\nC: NOOP\nS: +OK\nC: STLS\nS: +OK go\nC: NOOP\nS: +OK"),
    "imap": dialogue("S: * OK\nC: a NOOP\nC: b starttls\nS: a OK\nS: b OK go\nC: c NOOP\nS: c OK"),
    "smtp": dialogue("S: 220 x\nC: EHLO c\nS: 250 x\nC: STARTTLS\nS: 220 2.0.0 go\nC: EHLO c\nS: 250 x"),
}
REFUSED = {
    "pop3": dialogue("S: +OK\nC: STLS\nC: NOOP\nS: -ERR\nS: +OK\nC: STLS\nS: -ERR\nC: QUIT\nS: +OK"),
    "imap": dialogue(
        "S: * OK\nC: a NOOP\nC: b STARTTLS\nC: c NOOP\nS: a OK\nS: * 1 EXISTS\nS: b BAD\n"
        "S: c OK\nC: d NOOP\nS: d OK"
    ),
    "smtp": dialogue(
        "S: 220 x\nC: STARTTLS\nS: 454-x\nS: 454 x\nC: STARTTLS now\nS: 501 x\nC: QUIT\nS: 221 x"
    ),
}
ODD = {
    "of another protocol, twice": (
        "smtp",
        dialogue("S: 220 x\nC: STLS\nC: STLS\nS: 220 x\nS: 220 x\nC: QUIT"),
    ),
    "unasked behind it": (
        "imap",
        dialogue("S: * OK\nC: b STARTTLS\nS: * 1 EXISTS\nS: rubbish\nS: b OK\nC: c NOOP"),
    ),
    "pipelined, never answered": ("pop3", dialogue("S: +OK\nC: STLS\nC: NOOP\nC: QUIT~")),
    "no greeting": ("pop3", dialogue("C: STLS\nC: NOOP")),
    "challenged": ("pop3", dialogue("S: +OK\nC: STLS\nS: + \nC: x\nS: +OK")),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("protocol", ACCEPTED)
def test_starttls_that_is_accepted_is_a_remark_on_the_next_packet(protocol: str, cut: Cut) -> None:
    said = ACCEPTED[protocol]
    sink = written(protocol, said, cut)
    command = next(
        data
        for side, data in said
        if data.upper().endswith((b"STARTTLS\r\n", b"STLS\r\n")) and side is Side.CLIENT
    )
    reply = next(data for _, data in said if b"go" in data)
    for side, left_out in ((Side.CLIENT, command), (Side.SERVER, reply)):
        assert sink.said(side) == of(side, said).replace(left_out, b"", 1)
    (told,) = sink.remarked("starttls")
    assert told == {"command": command.decode().strip(), "reply": reply.decode().strip()}
    (packet,) = [packet for packet in sink.packets if "starttls" in packet.words]
    assert packet.side is Side.CLIENT
    assert packet.time == len(said) - 2


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("protocol", REFUSED)
def test_starttls_that_is_refused_stays_in_its_place(protocol: str, cut: Cut) -> None:
    sink = written(protocol, REFUSED[protocol], cut)
    assert [sink.said(side) for side in Side] == [of(side, REFUSED[protocol]) for side in Side]
    assert sink.remarked("starttls") == []
    packets = [data for packet in sink.packets if isinstance(data := packet.octets, bytes)]
    together = b"".join(packets)
    assert together.find(b"S\r\n") < together.find(
        b"NOOP" if protocol == "pop3" else b"b BAD" if protocol == "imap" else b"454"
    )


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("name", ODD)
def test_no_octet_is_lost_around_starttls(name: str, cut: Cut) -> None:
    protocol, said = ODD[name]
    sink = written(protocol, said, cut, secrets=True)
    assert [sink.said(side) for side in Side] == [of(side, said) for side in Side]


@pytest.mark.parametrize("protocol", ACCEPTED)
def test_a_session_may_end_in_the_middle_of_starttls(protocol: str) -> None:
    said = ACCEPTED[protocol]
    for end in range(1, len(said)):
        some = (*said[:end], (said[end][0], said[end][1][:-1]))
        sink = written(protocol, some, secrets=True)
        if not sink.remarked("starttls"):
            assert [sink.said(side) for side in Side] == [of(side, some) for side in Side]


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("smtp", "S: 220 x\nC: EHLO c\nS: 250-x\nS: 250-SI~"),
        ("smtp", "S: 220 x\nC: STARTTLS\nS: 220-x\nS: 22~"),
        ("pop3", "S: +OK\nC: CAPA\nS: +OK\nS: UIDL\nS: TO~"),
    ],
)
def test_a_session_may_end_in_the_middle_of_a_list(protocol: str, text: str) -> None:
    said = dialogue(text)
    sink = written(protocol, said, secrets=True)
    assert [sink.said(side) for side in Side] == [of(side, said) for side in Side]


def test_octets_that_are_no_mail_pass_as_they_are_with_secrets_and_as_stars_without() -> None:
    said = ((Side.SERVER, b"+OK\r\n"), (Side.CLIENT, b"NOOP\r\n"), (Side.SERVER, b"nonsense\r\nmore\r\n"))
    assert written("pop3", said, secrets=True).said(Side.SERVER) == of(Side.SERVER, said)
    assert written("pop3", said).said(Side.SERVER) == b"+OK\r\n********\r\n****\r\n"


def test_remarks_stand_on_the_next_packet_and_the_last_ones_on_the_end() -> None:
    sink = Written()
    leg = Leg("pop3", sink, None, secrets=False)
    leg.remark(write("login", user="ann"))
    assert sink.packets == []
    leg.said(Side.SERVER, [b"+OK\r", b"\n"], 1.0)
    leg.remark(write("end", user="ann"))
    leg.remark(write("end", user="bob"))
    leg.close(2.0)
    assert [packet.words for packet in sink.packets] == [["login"], ["end", "end"]]
    assert sink.closed == "fin"


@pytest.mark.parametrize("octets", [None, 5])
def test_a_list_that_is_too_long_to_wait_is_in_order_nevertheless(octets: int | None) -> None:
    reply = b"+OK\r\n" + b"".join(b"%d uid%06d\r\n" % (n, n) for n in range(10_000)) + b".\r\n"
    sink = Written()
    leg = Leg("pop3", sink, octets, secrets=False)
    leg.said(Side.SERVER, [b"+OK\r\n"], 1.0, cut=True)
    leg.said(Side.CLIENT, [b"UIDL\r\n"], 2.0)
    for start in range(0, len(reply), 16_384):
        leg.said(Side.SERVER, [reply[start : start + 16_384]], 3.0, cut=True)
    leg.close(4.0)
    assert sink.said(Side.SERVER) == b"+OK\r\n" + reply


def test_a_remark_is_about_what_comes_next_and_not_about_a_body_that_waited() -> None:
    sink = Written()
    leg = Leg("imap", sink, None, secrets=False)
    leg.said(Side.SERVER, [b"* OK\r\n"], 1.0, cut=True)
    leg.said(Side.CLIENT, [b"a SELECT {5}\r\n"], 2.0)
    leg.said(Side.SERVER, [b"+ go\r\n"], 3.0, cut=True)
    leg.said(Side.CLIENT, [b"INBOX\r\n"], 4.0)
    leg.remark(write("verdict", verb="SELECT"))
    leg.said(Side.SERVER, [b"a OK\r\n"], 5.0, cut=True)
    leg.close(6.0)
    (packet,) = [packet for packet in sink.packets if packet.words]
    assert (packet.side, packet.octets) == (Side.SERVER, b"a OK\r\n")


def test_a_body_in_tiny_pieces_is_not_kept_in_tiny_pieces() -> None:
    kept: list[int] = []

    class Counting(Written):
        def data(
            self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()
        ) -> None:
            kept.append(len(pieces))
            super().data(side, pieces, time, comments)

    leg = Leg("pop3", Counting(), None, secrets=False)
    leg.said(Side.SERVER, [b"+OK\r\n"], 1.0, cut=True)
    leg.said(Side.CLIENT, [b"RETR 1\r\n"], 2.0)
    leg.said(Side.SERVER, [b"+OK\r\n"], 3.0, cut=True)
    for _ in range(3000):
        leg.said(Side.SERVER, [b"abc"], 3.0, cut=True)
    assert len(kept) > 3
    assert max(kept) < 10


def test_a_slow_body_does_not_wait_for_ever() -> None:
    class Patient(Written):
        @property
        def patience(self) -> int:
            return 1_000_000

    sink = Patient()
    leg = Leg("pop3", sink, None, secrets=False)
    leg.said(Side.SERVER, [b"+OK\r\n"], 0.0, cut=True)
    leg.said(Side.CLIENT, [b"RETR 1\r\n"], 0.0)
    leg.said(Side.SERVER, [b"+OK\r\n"], 0.0, cut=True)
    leg.said(Side.SERVER, [b"a" * 60_000], 0.0, cut=True)
    written_at = [len(sink.said(Side.SERVER))]
    for time in (0.1, 1.0, 1.2):
        leg.said(Side.SERVER, [b"b" * 60_000], time, cut=True)
        written_at.append(len(sink.said(Side.SERVER)))
    assert written_at == [60_010, 60_010, 60_010, 240_010]


def test_a_session_in_which_nothing_was_said() -> None:
    sink = written("imap", ())
    assert [packet.octets for packet in sink.packets] == [None]
    assert sink.closed == "fin"


def test_one_that_is_given_up_says_why() -> None:
    sink = Written()
    leg = Leg("pop3", sink, None, secrets=False)
    leg.remark(write("login", user="ann"))
    leg.abandon(1.0, "because")
    assert sink.closed == "rst"
    assert [remark.word for remark in sink.remarks] == ["login", "lost"]


@settings(max_examples=150, deadline=None)
@given(
    protocol=st.sampled_from(["pop3", "imap", "smtp"]),
    said=st.lists(st.tuples(st.sampled_from(Side), any_octets), max_size=30),
    octets=st.none() | st.integers(0, 40),
)
def test_any_octets_of_both_sides(protocol: str, said: list[tuple[Side, bytes]], octets: int | None) -> None:
    sink = written(protocol, tuple(said), octets=octets, secrets=True)
    if sink.remarked("starttls"):
        return
    assert [sink.octets(side) for side in Side] == [len(of(side, tuple(said))) for side in Side]
    if octets is None:
        assert [sink.said(side) for side in Side] == [of(side, tuple(said)) for side in Side]
    shown = written(protocol, tuple(said), octets=octets)
    assert [shown.octets(side) for side in Side] == [sink.octets(side) for side in Side]


BODY = st.lists(st.sampled_from([b"a", b"\r\n", b".", b"..", b"text\r\n", b"z" * 30]), max_size=8).map(
    b"".join
)
GREETINGS = {
    "pop3": [(Side.SERVER, b"+OK\r\n"), (Side.CLIENT, b"RETR 1\r\n" * 4 + b"PASS hunter\r\n")],
    "smtp": [(Side.SERVER, b"220 x\r\n"), (Side.CLIENT, b"EHLO x\r\n"), (Side.SERVER, b"250 x\r\n")],
}


def cut_body(text: bytes, sizes: list[int]) -> list[bytes]:
    """A body as a session hands it on, in pieces: its end is the end of the last one."""
    body, pieces = (b"\r\n" + text).replace(b"\r\n.", b"\r\n..")[2:] + b"\r\n.\r\n", []
    for size in sizes:
        pieces.append(body[:size])
        body = body[size:]
    return [piece for piece in [*pieces, body] if piece]


Z = b"z" * 60


# A remark in front of the last piece, and more of the same side behind it: as with pipelined commands.
@example("pop3", [(Z, [30]), (Z, [50])], {4}, None, 40)
@example("pop3", [(Z, [30]), (Z, [50])], {4}, 10, 40)
@example("smtp", [(Z, [30])], {7}, None, 40)
@settings(max_examples=200, deadline=None)
@given(
    protocol=st.sampled_from(["pop3", "smtp"]),
    bodies=st.lists(st.tuples(BODY, st.lists(st.integers(1, 40), max_size=3)), min_size=1, max_size=4),
    remarks=st.sets(st.integers(2, 12), max_size=4),
    octets=st.none() | st.integers(0, 60),
    enough=st.sampled_from([1, 20, 40, 200]),
)
def test_what_the_session_has_cut_is_written_like_what_the_leg_has_to_parse(
    protocol: str, bodies: list[tuple[bytes, list[int]]], remarks: set[int], octets: int | None, enough: int
) -> None:
    said = [(side, [data], False) for side, data in GREETINGS[protocol]]
    for text, sizes in bodies:
        if protocol == "smtp":
            said += [
                (Side.CLIENT, [b"MAIL FROM:<>\r\n", b"DATA\r\n"], True),
                (Side.SERVER, [b"250 x\r\n"], True),
            ]
            said.append((Side.SERVER, [b"354 x\r\n"], True))
        else:
            said.append((Side.SERVER, [b"+OK\r\n"], True))
        side = Side.CLIENT if protocol == "smtp" else Side.SERVER
        said += [(side, [piece], True) for piece in cut_body(text, sizes)]
    if protocol == "smtp":
        said.append((Side.CLIENT, [b"NOOP\r\n" * 5, b"AUTH PLAIN AGEAaHVudGVy\r\n"], True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leg_module, "BODY_OCTETS", enough)
        found = []
        for cut_too in (True, False):
            sink = Written()
            leg = Leg(protocol, sink, octets, secrets=False)
            for index, (side, pieces, cut) in enumerate(said):
                if index in remarks:
                    leg.remark(write("anomaly", name=str(index)))
                leg.said(side, pieces, float(index), cut and cut_too)
            leg.close(99.0)
            assert sink.closed == "fin"
            assert b"hunter" not in sink.everything
            assert b"AGEAaHVudGVy" not in sink.everything
            names = [fields["name"] for fields in sink.remarked("anomaly")]
            whole_sides = [sink.said(side) for side in Side] if octets is None else []
            found.append(([sink.octets(side) for side in Side], whole_sides, names))
    assert found[0] == found[1]
