"""What a recorder hears becomes two connections, with what the session says on the right packets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproxy.capture.recorder import Recorder, Waits, What
from mailproxy.events import (
    Anomaly,
    CaptureWanted,
    CommandDone,
    Event,
    Failure,
    Fault,
    LegSecured,
    LoggedIn,
    LoginFailed,
    SessionEnded,
    SessionStarted,
    WouldHave,
)
from mailproxy.proto.tokens import Side
from tests.capture.test_leg import any_octets
from tests.capture.written import Opened, Written

C, S = Side.CLIENT, Side.SERVER
STARTED = SessionStarted("pop3", "mine", "192.0.2.7:40000", "mail.example:995")
ENDED = SessionEnded("pop3", "192.0.2.7:40000", "ann", 1.5, 3, 10, 20, "TLSv1.3", "", {"forward": 3}, "")
NAMES = ("192.0.2.7", 40000), ("127.0.0.1", 1995), ("127.0.0.1", 50000), ("198.51.100.9", 995)


def done(verb: str, verdict: str = "forward", **more: str) -> CommandDone:
    return CommandDone(verb, more.pop("text", ""), verdict, "OK", 0.1, **more)


def recorder(what: What | None = None, *, waits: Waits = Waits.NEVER) -> tuple[Recorder, Opened]:
    opened = Opened()
    times = iter(range(10**9))
    made = Recorder(
        "5e55",
        "pop3",
        opened,
        what or What(),
        upstream="mail",
        waits=waits,
        now=lambda: float(next(times)),
    )
    return made, opened


def begun(**how: Any) -> tuple[Recorder, Opened]:
    made, opened = recorder(**how)
    made.event(STARTED)
    made.client_leg(NAMES[0], NAMES[1])
    made.event(LegSecured("client", "TLSv1.3", "AES"))
    made.server_leg(NAMES[2], NAMES[3])
    made.event(LegSecured("server", "TLSv1.2", "DES"))
    made.left(C, [b"+OK\r\n"])
    made.arrived(S, b"+OK\r\n")
    return made, opened


def test_the_legs_are_two_connections_with_the_same_id() -> None:
    made, opened = begun()
    made.end()
    assert opened.asked == [
        ("5e55", "pop3", "client", NAMES[0], NAMES[1]),
        ("5e55", "pop3", "server", NAMES[2], NAMES[3]),
    ]
    for leg in ("client", "server"):
        (fields,) = opened.legs[leg].remarked("session")
        assert fields == {
            "id": "5e55",
            "leg": leg,
            "protocol": "pop3",
            "listener": "mine",
            "upstream": "mail",
            "client": "192.0.2.7:40000",
            "server": "mail.example:995",
        }
        assert opened.legs[leg].packets[0].words == ["session"]
        assert opened.legs[leg].closed == "fin"
    assert [opened.legs[leg].remarked("tls")[0]["version"] for leg in ("client", "server")] == [
        "TLSv1.3",
        "TLSv1.2",
    ]


def test_octets_go_to_the_leg_on_which_they_were_said() -> None:
    made, opened = begun()
    made.arrived(C, b"NOOP\r\n")
    made.left(S, [b"NO", b"OP\r\n"])
    made.arrived(S, b"+OK 1\r\n")
    made.left(C, [b"+OK 2\r\n"])
    made.end()
    client, server = opened.legs["client"], opened.legs["server"]
    assert (client.said(C), client.said(S)) == (b"NOOP\r\n", b"+OK\r\n+OK 2\r\n")
    assert (server.said(C), server.said(S)) == (b"NOOP\r\n", b"+OK\r\n+OK 1\r\n")


def test_a_verdict_stands_on_the_answer() -> None:
    made, opened = begun()
    made.arrived(C, b"DELE 1\r\n")
    made.event(done("DELE", "block", text="1", rule="r", why="because"))
    made.left(C, [b"-ERR no\r\n"])
    made.end()
    (packet,) = [packet for packet in opened.legs["client"].packets if "verdict" in packet.words]
    assert packet.octets == b"-ERR no\r\n"
    assert packet.remarks[0].fields == {
        "verb": "DELE", "text": "1", "verdict": "block", "status": "OK", "rule": "r", "why": "because",
    }  # fmt: skip
    assert opened.legs["server"].remarked("verdict") == []


def test_what_we_ask_ourselves_is_told_on_the_servers_leg() -> None:
    made, opened = begun()
    made.left(S, [b"UIDL\r\n"])
    made.event(done("UIDL", "own"))
    made.arrived(S, b"+OK\r\n.\r\n")
    made.end()
    (packet,) = [packet for packet in opened.legs["server"].packets if "verdict" in packet.words]
    assert packet.octets == b"+OK\r\n.\r\n"
    assert opened.legs["client"].remarked("verdict") == []


@pytest.mark.parametrize(
    ("event", "leg", "word", "fields"),
    [
        (LoggedIn("ann", "PASS", True), "client", "login", {"user": "ann", "mechanism": "PASS", "tls": True}),
        (LoginFailed("ann", "PASS"), "client", "login_failed", {"user": "ann", "mechanism": "PASS"}),
        (
            WouldHave("DELE", "r", "keep"),
            "client",
            "would_have",
            {"verb": "DELE", "rule": "r", "action": "keep"},
        ),
        (Anomaly("odd", "server", "x"), "server", "anomaly", {"name": "odd", "detail": "x"}),
        (Anomaly("odd", "client"), "client", "anomaly", {"name": "odd"}),
        (Failure(Fault.TLS, "no TLS"), "client", "failure", {"fault": Fault.TLS.value, "what": "no TLS"}),
        (CaptureWanted("r"), "client", "capture", {"rule": "r"}),
    ],
)
def test_what_is_said_of_a_session(event: Event, leg: str, word: str, fields: dict[str, Any]) -> None:
    made, opened = begun()
    made.event(event)
    made.end()
    assert opened.legs[leg].remarked(word) == [fields]
    assert sum(len(each.remarked(word)) for each in opened.legs.values()) == 1


def test_the_end_is_told_on_the_last_packet() -> None:
    made, opened = begun()
    made.event(ENDED)
    made.end()
    assert opened.legs["client"].packets[-1].words == ["end"]
    assert opened.legs["client"].remarked("end") == [
        {"user": "ann", "seconds": 1.5, "commands": 3, "verdicts": {"forward": 3}}
    ]


def test_a_session_without_any_data_and_an_end_that_comes_twice() -> None:
    made, opened = recorder()
    made.event(STARTED)
    made.client_leg(NAMES[0], NAMES[1])
    made.event(ENDED)
    made.end()
    made.end()
    made.event(ENDED)
    made.arrived(C, b"late\r\n")
    made.left(S, [b"late\r\n"])
    assert [packet.words for packet in opened.legs["client"].packets] == [["session"], ["end"]]


def test_nothing_but_a_start_leaves_no_connection() -> None:
    made, opened = recorder()
    made.event(STARTED)
    made.end()
    assert opened.asked == []


def test_what_is_said_before_there_is_a_leg_stands_on_the_first_one() -> None:
    made, opened = recorder()
    made.event(Failure(Fault.CLIENT, "early"))
    made.arrived(C, b"never heard")
    made.client_leg(NAMES[0], NAMES[1])
    made.left(C, [b"+OK\r\n"])
    made.end()
    assert opened.legs["client"].packets[1].words == ["failure"]
    assert opened.legs["client"].said(C) == b""


def test_the_servers_anomalies_without_a_server_stand_on_the_clients_leg() -> None:
    made, opened = recorder()
    made.client_leg(NAMES[0], NAMES[1])
    made.event(Anomaly("odd", "server"))
    made.end()
    assert opened.legs["client"].remarked("anomaly") == [{"name": "odd"}]


def test_after_the_login_no_rule_about_logins_can_want_it() -> None:
    made, opened = begun(waits=Waits.LOGIN)
    made.event(LoggedIn("alice", "PASS", True))
    made.event(CaptureWanted("late"))
    made.arrived(Side.CLIENT, b"NOOP\r\n")
    made.end()
    assert opened.legs == {}


def test_a_login_that_a_rule_wants_is_recorded_whole() -> None:
    made, opened = begun(waits=Waits.LOGIN)
    made.event(CaptureWanted("login"))
    made.event(LoggedIn("alice", "PASS", True))
    made.end()
    assert opened.legs.keys() == {"client", "server"}


def test_one_that_waits_writes_nothing_unless_a_rule_wants_it() -> None:
    made, opened = begun(waits=Waits.END)
    made.arrived(C, b"NOOP\r\n")
    made.event(ENDED)
    made.end()
    assert opened.asked == []


def test_once_a_rule_wants_it_all_is_written_from_the_first_octet_on() -> None:
    waiting, first = begun(waits=Waits.END)
    at_once, second = begun()
    for made in (waiting, at_once):
        made.arrived(C, b"USER ann\r\n")
        made.left(S, [b"USER ann\r\n"])
        made.event(CaptureWanted("r"))
        made.event(CaptureWanted("r"))
        made.arrived(S, b"+OK\r\n")
        made.left(C, [b"+OK\r\n"])
        made.event(ENDED)
        made.end()
    assert first.asked == second.asked
    assert first.legs == second.legs


def test_a_leg_that_comes_after_the_rule_is_written_at_once() -> None:
    made, opened = recorder(waits=Waits.END)
    made.client_leg(NAMES[0], NAMES[1])
    made.event(CaptureWanted("r"))
    made.server_leg(NAMES[2], NAMES[3])
    assert opened.legs["server"].opened == 1
    made.end()


def test_secrets_and_messages_are_as_asked_for() -> None:
    said = [(C, b"PASS secret\r\n"), (S, b"+OK\r\n"), (C, b"RETR 1\r\n"), (S, b"+OK\r\nhello\r\n.\r\n")]
    shown = {}
    for what in (What(), What(secrets=True), What(message_octets=2)):
        made, opened = begun(what=what)
        for side, data in said:
            made.arrived(C, data) if side is C else made.left(C, [data])
        made.end()
        leg = opened.legs["client"]
        shown[what] = (b"secret" in leg.said(C), b"hello" in leg.said(S), leg.octets(S))
    assert list(shown.values()) == [(False, True, 25), (True, True, 25), (False, False, 25)]


class Flawed(Written):
    """A connection with a defect."""

    def data(self, side: Side, pieces: Sequence[bytes], time: float, comments: Sequence[str] = ()) -> None:
        if b"".join(pieces) == b"QUIT\r\n":
            raise ZeroDivisionError("hunter2")
        super().data(side, pieces, time, comments)


class Refusing(Opened):
    def connection(self, session: str, protocol: str, leg: str, client: Any, server: Any) -> Written:
        raise ValueError("no such address")


def test_a_flaw_of_our_own_ends_the_recording_and_never_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.capture.written.Written", Flawed)
    made, opened = begun()
    made.arrived(C, b"QUIT\r\n")
    made.arrived(C, b"NOOP\r\n")
    made.event(ENDED)
    made.end()
    for leg in opened.legs.values():
        assert leg.closed == "rst"
        assert leg.remarked("lost") == [{"why": "mailproxy could not go on: ZeroDivisionError"}]
        assert b"hunter2" not in leg.everything


@pytest.mark.parametrize("waits", Waits)
def test_a_connection_that_cannot_be_made_stops_nothing(waits: Waits) -> None:
    made = Recorder("x", "pop3", Refusing(), What(), waits=waits)
    made.client_leg(NAMES[0], NAMES[1])
    made.event(CaptureWanted("r"))
    made.arrived(C, b"NOOP\r\n")
    made.end()


EVENTS = st.sampled_from(
    [
        STARTED,
        ENDED,
        LegSecured("client", "", ""),
        LegSecured("server", "TLSv1.3", "x"),
        LoggedIn("änn\udcff", "PASS", True),
        LoginFailed("\0", ""),
        done("RETR", text="x" * 70_000),
        done("UIDL", "own"),
        WouldHave("DELE", "r", "keep"),
        Anomaly("odd", "server", "\udcff"),
        Failure(Fault.OURS, "x", "y"),
        CaptureWanted("r"),
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("arrived"), st.sampled_from(Side), any_octets),
    st.tuples(st.just("left"), st.sampled_from(Side), st.lists(any_octets, max_size=3)),
    st.tuples(st.just("event"), EVENTS),
    st.sampled_from([("client_leg", *NAMES[:2]), ("server_leg", *NAMES[2:]), ("end",)]),
)


@settings(max_examples=150, deadline=None)
@given(
    protocol=st.sampled_from(["pop3", "imap", "smtp"]),
    steps=st.lists(STEPS, max_size=40),
    waits=st.sampled_from(Waits),
    octets=st.none() | st.integers(0, 20),
)
def test_it_never_raises(protocol: str, steps: list[Any], waits: Waits, octets: int | None) -> None:
    opened = Opened()
    made = Recorder("x", protocol, opened, What(octets), waits=waits)
    seen = set()
    for name, *values in steps:
        if name in ("client_leg", "server_leg") and (name in seen or "end" in seen):
            continue
        seen.add(name)
        getattr(made, name)(*values)
    made.end()
    for leg in opened.legs.values():
        assert leg.closed == "fin"  # no flaw was met on the way
