"""The session: order, waiting, our own answers, upgrades, rules, and what is said of it all."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from mailproxy.events import Anomaly, CommandDone, Event, Failure, Fault, LoggedIn, LoginFailed, WouldHave
from mailproxy.proto.tokens import Command, Side
from mailproxy.session.options import Options
from mailproxy.session.session import Session
from mailproxy.session.verdict import NO_RULES, Action, Decision, Facts, Judge
from tests.play import Wires, whole

HELLO = {"pop3": "S: +OK hi", "imap": "S: * OK hi", "smtp": "S: 220 hi"}
LOGIN = {
    "pop3": "S: +OK hi\nC: USER ann\nS: +OK\nC: PASS opensesame\nS: +OK",
    "imap": "S: * OK hi\nC: a LOGIN ann opensesame\nS: a OK in",
    "smtp": "S: 220 hi\nC: EHLO me\nS: 250 hi",
}
TOKEN = base64.b64encode(b"\0ann\0opensesame").decode()


class Talk:
    """A session in which both sides speak; only what came out since the last look is given."""

    def __init__(self, wires: Wires) -> None:
        self.wires = wires
        self.session = wires.session
        self._seen = [0, 0]

    def say(self, text: str) -> Talk:
        """``C: …`` and ``S: …`` lines, each with CRLF; lines of one side together come at once."""
        said: list[tuple[Side, bytes]] = []
        for line in text.splitlines():
            side = Side.CLIENT if line[:2] == "C:" else Side.SERVER
            octets = line[3:].encode() + b"\r\n"
            if said and said[-1][0] is side:
                octets = said.pop()[1] + octets
            said.append((side, octets))
        for side, octets in said:
            self.wires.send(side, whole(octets))
        return self

    def forget(self) -> None:
        """What came out so far is looked at no more."""
        self._seen = [len(self.wires.got[side]) for side in Side]

    def raw(self, side: Side, octets: bytes) -> None:
        self.wires.send(side, whole(octets))

    def got(self, side: Side) -> str:
        new = bytes(self.wires.got[side][self._seen[side] :])
        self._seen[side] += len(new)
        return new.decode("latin-1").replace("\r\n", "|")

    @property
    def client(self) -> str:
        return self.got(Side.CLIENT)

    @property
    def server(self) -> str:
        return self.got(Side.SERVER)

    def events(self, *kinds: type) -> list[Event]:
        return [event for event in self.wires.events if isinstance(event, kinds)]

    @property
    def done(self) -> list[tuple[str, str, str]]:
        """Verb, verdict and status of every command that was reported."""
        found = self.events(CommandDone)
        return [(one.verb, one.verdict, one.status) for one in found if isinstance(one, CommandDone)]


Start = Callable[..., Talk]


def begin(
    protocol: str, text: str | None = None, judge: Judge = NO_RULES, tls: bool = False, **options: object
) -> Talk:
    """A session after its login, or after another beginning; what was said so far is not looked at."""
    talk = Talk(Wires(protocol, Options(**options), judge, tls=tls))  # type: ignore[arg-type]
    talk.say(LOGIN[protocol] if text is None else text)
    talk.forget()
    talk.wires.events.clear()
    return talk


def rule(verbs: str, action: Action = Action.BLOCK, *, enforced: bool = True, reply: str = "") -> Judge:
    decision = Decision(action, "my-rule", "because", reply, enforced)
    return Judge(frozenset(verbs.split(",")), lambda command, facts: decision)


def about_users(verb: str, refused: str) -> Judge:
    """A rule that refuses one user."""

    def decide(command: Command, facts: Facts) -> Decision | None:
        return Decision(Action.BLOCK, "not-this-user") if facts.user == refused else None

    return Judge(frozenset({verb}), decide)


# -- order of replies ---------------------------------------------------------------------


def test_our_answer_stands_where_the_servers_would_have_stood() -> None:
    talk = begin("pop3", judge=rule("DELE"))
    talk.say("C: RETR 1\nC: DELE 1\nC: DELE 2\nC: NOOP")
    assert talk.server == "RETR 1|NOOP|"
    assert talk.client == "", "the server speaks first"
    talk.raw(Side.SERVER, b"+OK\r\nmail\r\n")
    assert talk.client == "+OK|mail|"
    talk.raw(Side.SERVER, b".\r\n+OK noop\r\n")
    refused = "-ERR [SYS/PERM] Refused by the rule my-rule of this proxy|"
    assert talk.client == ".|" + refused * 2 + "+OK noop|"
    assert talk.done == [
        *(("RETR", "forward", "OK"), ("DELE", "block", "local")),
        *(("DELE", "block", "local"), ("NOOP", "forward", "OK")),
    ]


def test_imap_replies_may_overtake_and_ours_waits_for_a_boundary() -> None:
    talk = begin("imap", judge=rule("EXPUNGE"))
    talk.say("C: b NOOP\nC: c CHECK\nC: d EXPUNGE\nS: c OK")
    assert talk.client == "c OK|"
    talk.raw(Side.SERVER, b"* 1 FETCH (X {9}\r\nb OK")
    talk.raw(Side.SERVER, b" no\r\n")
    assert talk.client == "* 1 FETCH (X {9}|b OK no|"
    talk.raw(Side.SERVER, b")\r\nb OK\r\n")
    assert talk.client == ")|b OK|d NO [NOPERM] Refused by the rule my-rule of this proxy|"


def test_an_answer_with_nothing_before_it_comes_at_once() -> None:
    talk = begin("smtp", judge=rule("VRFY", reply="Not here"))
    assert talk.say("C: VRFY ann").client == "550 5.7.1 Not here|"
    assert talk.server == ""


def test_the_greeting_comes_before_anything() -> None:
    talk = begin("pop3", "C: CAPA\nC: NOOP")
    assert (talk.server, talk.client) == ("", "")
    talk.say("S: +OK hi")
    assert (talk.server, talk.client) == ("CAPA|NOOP|", "+OK hi|")


def test_nothing_taken_is_given_twice() -> None:
    session = Session("pop3", Options(), Facts("pop3"))
    session.receive(Side.SERVER, b"+OK\r\n")
    assert (list(session.take(Side.CLIENT)), list(session.take(Side.CLIENT))) == ([b"+OK\r\n"], [])


# -- hold and alone -----------------------------------------------------------------------


def test_behind_a_held_verb_nothing_is_read() -> None:
    talk = begin("imap", HELLO["imap"])
    talk.say("C: a LOGIN ann x\nC: b SELECT INBOX\nC: c NOOP")
    assert talk.server == "a LOGIN ann x|"
    assert talk.say("S: a OK").server == "b SELECT INBOX|"
    assert talk.say("S: b OK").server == "c NOOP|"


def test_a_verb_that_is_alone_waits_for_all_before_it() -> None:
    talk = begin("smtp")
    talk.say("C: RSET\nC: MAIL FROM:<a@b>\nC: RCPT TO:<c@d>")
    assert talk.server == "RSET|"
    assert talk.say("S: 250 ok").server == "MAIL FROM:<a@b>|RCPT TO:<c@d>|"


def test_who_has_to_wait_is_not_read_without_end() -> None:
    talk = begin("imap", HELLO["imap"])
    talk.say("C: a LOGIN ann x")
    talk.raw(Side.CLIENT, b"b NOOP\r\n" * 2048)
    assert not talk.session.wants(Side.CLIENT)
    assert talk.session.wants(Side.SERVER)
    assert not talk.session.unfinished, "it is not the client that keeps others waiting"
    talk.say("S: a OK")
    assert talk.session.wants(Side.CLIENT)


def test_so_many_commands_may_be_open_and_no_more() -> None:
    talk = begin("pop3", pipeline=3)
    talk.say("C: NOOP\nC: NOOP\nC: NOOP\nC: STAT")
    assert talk.server == "NOOP|NOOP|NOOP|"
    assert talk.say("S: +OK").server == "STAT|"


def test_so_many_octets_may_be_open_and_no_more() -> None:
    talk = begin("imap")
    line = b"b SEARCH TEXT " + b"x" * 60_000 + b"\r\n"
    for _ in range(8):
        talk.raw(Side.CLIENT, line)
    assert len(talk.server) < 330_000
    for _ in range(8):
        talk.say("S: b OK")
    assert talk.session.wants(Side.CLIENT)
    assert not talk.session.dialect.slots
    assert bytes(talk.wires.got[Side.SERVER]).count(b"SEARCH") == 8


# -- upgrades -----------------------------------------------------------------------------

UPGRADES = {
    "pop3": ("C: STLS", "+OK Begin TLS negotiation now|"),
    "imap": ("C: s STARTTLS", "s OK Begin TLS negotiation now|"),
    "smtp": ("C: STARTTLS", "220 2.0.0 Begin TLS negotiation now|"),
}


@pytest.mark.parametrize("protocol", UPGRADES)
def test_an_upgrade_is_answered_here(protocol: str) -> None:
    said, answer = UPGRADES[protocol]
    talk = begin(protocol, LOGIN["smtp"] if protocol == "smtp" else HELLO[protocol], starttls=True)
    talk.say(said)
    assert (talk.client, talk.server, talk.session.upgrade) == (answer, "", True)
    assert not talk.session.wants(Side.CLIENT)
    talk.session.upgraded("TLSv1.3")
    assert (talk.session.upgrade, talk.session.facts.tls_version) == (False, "TLSv1.3")
    talk.say(said)
    assert "TLS is already active" in talk.client
    assert not talk.session.closed


@pytest.mark.parametrize("protocol", UPGRADES)
def test_octets_behind_an_upgrade_end_the_session(protocol: str) -> None:
    said, answer = UPGRADES[protocol]
    talk = begin(protocol, LOGIN["smtp"] if protocol == "smtp" else HELLO[protocol], starttls=True)
    talk.say(f"{said}\nC: x NOOP")
    assert talk.session.closed
    assert (talk.client, talk.server) == (answer, "")
    assert [event.name for event in talk.events(Anomaly)] == ["octets_behind_starttls"]  # type: ignore[union-attr]


def test_what_the_server_says_during_the_upgrade_waits_for_its_end() -> None:
    talk = begin("imap", HELLO["imap"], starttls=True)
    talk.say("C: s STARTTLS")
    assert talk.client.startswith("s OK")
    talk.session.receive(Side.SERVER, b"* OK still here\r\n")
    talk.wires.flow()
    assert talk.client == ""
    talk.session.upgraded("TLSv1.3")
    talk.wires.flow()
    assert talk.client == "* OK still here|"


def test_an_upgrade_waits_for_what_is_before_it() -> None:
    talk = begin("imap", HELLO["imap"], starttls=True)
    talk.say("C: a NOOP\nC: s STARTTLS")
    assert (talk.client, talk.session.upgrade) == ("", False)
    assert talk.say("S: a OK").client == "a OK|s OK Begin TLS negotiation now|"


def test_preauth_where_tls_is_required_ends_before_it_is_seen() -> None:
    talk = Talk(Wires("imap", Options(starttls=True, tls_required=True)))
    talk.say("S: * PREAUTH hi\nC: a NOOP")
    assert talk.client.startswith("* BYE Encryption is required here")
    assert (talk.server, talk.session.closed, talk.session.reason) == ("", True, "PREAUTH")
    assert begin("imap", "S: * PREAUTH hi", tls=True, tls_required=True).session.closed is False


@pytest.mark.parametrize(
    ("protocol", "said"),
    [("pop3", "USER ann"), ("imap", "a LOGIN ann opensesame"), ("smtp", f"AUTH PLAIN {TOKEN}")],
)
def test_without_tls_nobody_logs_in_where_it_is_required(protocol: str, said: str) -> None:
    start = LOGIN["smtp"] if protocol == "smtp" else HELLO[protocol]
    talk = begin(protocol, start, starttls=True, tls_required=True)
    talk.say(f"C: {said}")
    assert "Encryption is required here" in talk.client
    assert talk.server == ""


# -- rules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judge", "server", "client", "verdict"),
    [
        (rule("DELE"), "", "-ERR [SYS/PERM] Refused by the rule my-rule of this proxy|", "block"),
        (rule("DELE", reply="Keep it"), "", "-ERR [SYS/PERM] Keep it|", "block"),
        (rule("DELE", Action.ALLOW), "DELE 1|", "", "forward"),
        (rule("DELE", Action.OBSERVE), "DELE 1|", "", "forward"),
        (rule("DELE", enforced=False), "DELE 1|", "", "forward"),
        (rule("DELE", Action.EXAMINE), "", "-ERR [SYS/PERM] Refused by the rule", "block"),
        (rule("RETR"), "DELE 1|", "", "forward"),
        (Judge(frozenset({"DELE"})), "DELE 1|", "", "forward"),
    ],
)
def test_what_a_rule_does(judge: Judge, server: str, client: str, verdict: str) -> None:
    talk = begin("pop3", judge=judge).say("C: DELE 1")
    assert talk.server == server
    assert talk.client.startswith(client)
    if server:
        talk.say("S: +OK")
    assert talk.done == [("DELE", verdict, "OK" if server else "local")]
    assert talk.session.verdicts[verdict] >= 1


@pytest.mark.parametrize("judge", [rule("DELE", Action.OBSERVE), rule("DELE", enforced=False)])
def test_what_a_rule_would_have_done_is_said(judge: Judge) -> None:
    talk = begin("pop3", judge=judge).say("C: DELE 1")
    (would,) = talk.events(WouldHave)
    assert isinstance(would, WouldHave)
    assert (would.verb, would.rule) == ("DELE", "my-rule")


def test_a_rule_may_close_the_session() -> None:
    talk = begin("pop3", judge=rule("DELE", Action.CLOSE)).say("C: NOOP\nC: DELE 1\nC: STAT")
    assert (talk.session.closed, talk.server) == (False, "NOOP|"), "NOOP is to be answered yet"
    talk.say("S: +OK")
    assert talk.client.startswith("+OK|-ERR [SYS/PERM] Refused")
    assert talk.session.closed
    assert "rule" in talk.session.reason


@pytest.mark.parametrize(
    ("action", "said", "sent"),
    [
        (Action.EXAMINE, "b SELECT Work", "b EXAMINE Work|"),
        (Action.EXAMINE, "b select x (CONDSTORE)", "b EXAMINE x (CONDSTORE)|"),
    ],
)
def test_a_rule_rewrites_a_command(action: Action, said: str, sent: str) -> None:
    talk = begin("imap", judge=rule("SELECT,CLOSE", action)).say(f"C: {said}")
    assert talk.server == sent
    talk.say("S: b OK")
    assert talk.done == [("SELECT", action.value, "OK")]


@pytest.mark.parametrize(("offers", "sent"), [("UNSELECT", "c UNSELECT|"), ("IDLE", "")])
def test_close_becomes_unselect_or_is_refused(offers: str, sent: str) -> None:
    start = f"{LOGIN['imap']}\nC: b SELECT x\nS: b OK\nS: * CAPABILITY IMAP4rev1 {offers}"
    talk = begin("imap", start, rule("CLOSE", Action.UNSELECT)).say("C: c CLOSE")
    assert talk.server == sent
    assert talk.client == ("" if sent else "c NO [NOPERM] Refused by the rule my-rule of this proxy|")


@pytest.mark.parametrize("user", ["ann", "bob"])
@pytest.mark.parametrize(
    ("protocol", "verb", "said"),
    [
        ("imap", "LOGIN", "a LOGIN {} x"),
        ("pop3", "APOP", "APOP {} " + "0f" * 16),
    ],
)
def test_a_rule_about_users_sees_who_asks(protocol: str, verb: str, said: str, user: str) -> None:
    talk = begin(protocol, HELLO[protocol], about_users(verb, "ann")).say("C: " + said.format(user))
    assert bool(talk.server) is (user == "bob")
    assert talk.session.facts.user == "", "nobody is logged in yet"


@pytest.mark.parametrize("user", ["ann", "bob"])
@pytest.mark.parametrize(
    ("protocol", "verb", "said", "asked"),
    [
        ("imap", "AUTHENTICATE", "a AUTHENTICATE PLAIN", "+ "),
        ("pop3", "AUTH", "AUTH PLAIN", "+ "),
        ("smtp", "AUTH", "AUTH PLAIN", "334 "),
    ],
)
def test_a_rule_about_users_is_asked_again_when_the_name_is_known(
    protocol: str, verb: str, said: str, asked: str, user: str
) -> None:
    start = LOGIN["smtp"] if protocol == "smtp" else HELLO[protocol]
    talk = begin(protocol, start, about_users(verb, "ann"))
    talk.say(f"C: {said}\nS: {asked}")
    assert talk.server == f"{said}|"
    assert talk.client == f"{asked}|"
    response = base64.b64encode(f"\0{user}\0opensesame".encode()).decode()
    talk.say(f"C: {response}")
    if user == "bob":
        assert talk.server == f"{response}|"
        assert not talk.session.closed
        return
    assert talk.server == "", "no octet of the response goes on"
    assert "not-this-user" in talk.client
    assert (talk.session.closed, talk.session.dropped) == (True, True)
    assert [(verb, verdict) for verb, verdict, _ in talk.done] == [(verb, "block")]


@pytest.mark.parametrize(
    "decision",
    [Decision(Action.OBSERVE, "my-rule"), Decision(Action.BLOCK, "my-rule", enforced=False)],
    ids=["observe", "not enforced"],
)
def test_what_a_rule_would_have_done_to_a_late_name_is_said_once(decision: Decision) -> None:
    judge = Judge(frozenset({"AUTH"}), lambda command, facts: decision if facts.user == "ann" else None)
    talk = begin("smtp", judge=judge).say(f"C: AUTH PLAIN\nS: 334 \nC: {TOKEN}\nS: 235 in")
    assert talk.server == f"AUTH PLAIN|{TOKEN}|"
    assert [event.verb for event in talk.events(WouldHave)] == ["AUTH"]  # type: ignore[union-attr]


def test_commands_with_literals_are_alone() -> None:
    talk = begin("imap").say("C: b NOOP\nC: c DELETE {3}")
    assert talk.server == "b NOOP|"
    assert talk.say("S: b OK").server == "c DELETE {3}|"


def test_an_observing_listener_asks_no_rule() -> None:
    talk = begin("pop3", judge=rule("DELE"), guard=False).say("C: DELE 1")
    assert (talk.server, talk.client) == ("DELE 1|", "")


# -- logins -------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_a_login_is_told(protocol: str) -> None:
    talk = Talk(Wires(protocol, Options())).say(LOGIN[protocol])
    (event,) = talk.events(LoggedIn, LoginFailed)
    assert isinstance(event, LoggedIn)
    assert (event.user, event.tls) == ("ann", False)
    assert talk.session.facts.user == "ann"


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("pop3", "C: USER ann\nS: +OK\nC: PASS opensesame\nS: -ERR"),
        ("imap", "C: a LOGIN ann opensesame\nS: a NO"),
        ("smtp", f"C: EHLO me\nS: 250 hi\nC: AUTH PLAIN {TOKEN}\nS: 535 no"),
    ],
)
def test_a_failed_login_is_told(protocol: str, text: str) -> None:
    talk = begin(protocol, HELLO[protocol]).say(text)
    (event,) = talk.events(LoggedIn, LoginFailed)
    assert isinstance(event, LoginFailed)
    assert event.user == "ann"
    assert talk.session.facts.user == ""


# -- what is never let through ------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "alert", "verb"),
    [
        (b"DELE  1\r\n", "malformed_command", "DELE"),
        (b"opensesame\r\n", "unknown_command", "(unknown)"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused_and_told(said: bytes, alert: str, verb: str) -> None:
    talk = begin("pop3")
    talk.raw(Side.CLIENT, said)
    assert (talk.server, talk.client[:5]) == ("", "-ERR ")
    assert [event.name for event in talk.events(Anomaly)] == [alert]  # type: ignore[union-attr]
    assert talk.done == [(verb, "refuse", "local")]
    assert "opensesame" not in repr(talk.wires.events)


def test_too_big_is_told() -> None:
    talk = begin("imap").say("C: b SEARCH TEXT {1000000}")
    assert talk.client.startswith("b BAD [TOOBIG] ")
    assert [event.name for event in talk.events(Anomaly)] == ["too_big"]  # type: ignore[union-attr]


def test_too_many_errors_end_the_session() -> None:
    talk = begin("pop3", errors=2).say("C: X\nC: Y")
    assert not talk.session.closed
    talk.say("C: Z")
    assert talk.session.closed
    assert talk.client.endswith("Closing the connection|")


@pytest.mark.parametrize(
    ("first", "fault"), [(b"\x16\x03\x01", Fault.TLS), (b"GET / HTTP/1.1\r\nHost: x\r\n", Fault.CLIENT)]
)
def test_another_protocol_is_neither_read_nor_answered(first: bytes, fault: Fault) -> None:
    talk = begin("pop3", HELLO["pop3"])
    talk.raw(Side.CLIENT, first)
    assert (talk.session.closed, talk.client, talk.server) == (True, "", "")
    (failure,) = talk.events(Failure)
    assert isinstance(failure, Failure)
    assert failure.fault is fault


# -- the ends -----------------------------------------------------------------------------


def test_the_server_ends_with_commands_unanswered() -> None:
    talk = begin("pop3", judge=rule("RETR")).say("C: DELE 1\nC: RETR 1")
    talk.session.eof(Side.SERVER)
    talk.session.unanswered()
    assert talk.session.closed
    assert talk.done == [("DELE", "forward", "unanswered"), ("RETR", "block", "unsent")]
    assert "closed the connection with commands unanswered" in repr(talk.events(Failure))


def test_the_server_breaks_off_inside_a_body() -> None:
    talk = begin("pop3").say("C: RETR 1\nS: +OK\nS: half")
    talk.session.eof(Side.SERVER, clean=False)
    assert "broke the connection off" in repr(talk.events(Failure))
    assert talk.session.reason == "server closed early"


def test_the_server_ends_when_all_is_answered() -> None:
    talk = begin("pop3")
    talk.session.eof(Side.SERVER)
    assert talk.session.closed
    assert talk.events(Failure) == []


def test_the_client_ends_and_what_it_asked_for_still_comes() -> None:
    talk = begin("pop3").say("C: STAT")
    talk.session.eof(Side.CLIENT)
    assert not talk.session.closed
    assert not talk.session.wants(Side.CLIENT)
    assert talk.say("S: +OK 0 0").client == "+OK 0 0|"
    assert talk.session.closed


def test_the_client_ends_with_nothing_open() -> None:
    talk = begin("pop3")
    talk.session.eof(Side.CLIENT)
    assert talk.session.closed
    assert talk.events(Anomaly) == []


def test_a_message_without_its_end_is_never_completed() -> None:
    talk = begin("smtp").say("C: MAIL FROM:<a@b>\nS: 250\nC: RCPT TO:<c@d>\nS: 250\nC: DATA\nS: 354")
    talk.raw(Side.CLIENT, b"half a mess")
    assert talk.session.unfinished
    talk.session.eof(Side.CLIENT)
    assert talk.server.endswith("DATA|half a mess")
    assert talk.session.closed
    assert [event.name for event in talk.events(Anomaly)] == ["truncated"]  # type: ignore[union-attr]


def test_a_smuggled_message_is_cut_off() -> None:
    talk = begin("smtp").say("C: MAIL FROM:<a@b>\nS: 250\nC: RCPT TO:<c@d>\nS: 250\nC: DATA\nS: 354")
    talk.raw(Side.CLIENT, b"a\r\nb\n.\nMAIL FROM:<x@y>\r\n.\r\n")
    assert talk.server.endswith("DATA|a|b\n")
    assert (talk.session.dropped, talk.session.closed) == (True, True)
    assert talk.client.endswith(
        "|554 5.6.0 The message has a bare CR, LF or NUL beside a lone dot; it was not sent|"
    )
    assert ("DATA", "forward", "unanswered") in talk.done
    talk.session.receive(Side.SERVER, b"250 ok\r\n")
    talk.session.eof(Side.SERVER)
    talk.wires.flow()
    assert talk.client == "", "the server is not listened to any more"
    assert talk.events(Failure) == []


def test_ending_says_why_where_it_can() -> None:
    talk = begin("pop3")
    talk.session.end("Too slow", "timeout")
    talk.session.end("Again", "another")
    talk.wires.flow()
    assert (talk.client, talk.session.reason) == ("-ERR [SYS/TEMP] Too slow|", "timeout")
    talk = begin("pop3").say("C: RETR 1\nS: +OK\nS: half")
    assert talk.client == "+OK|half|"
    talk.session.end("Too slow", "timeout")
    talk.wires.flow()
    assert (talk.client, talk.session.closed) == ("", True), "not inside a message"


# -- servers that surprise ----------------------------------------------------------------


def test_a_server_may_say_why_it_ends_unasked() -> None:
    assert begin("smtp").say("S: 421 bye").client == "421 bye|"
    assert begin("pop3").say("S: -ERR tired").client == "-ERR tired|"
    assert begin("imap").say("S: * BYE tired").client == "* BYE tired|"


@pytest.mark.parametrize(
    ("protocol", "said"), [("pop3", "+OK odd"), ("imap", "x OK odd"), ("smtp", "250 odd")]
)
def test_a_reply_that_nobody_asked_for_ends_a_guarded_session(protocol: str, said: str) -> None:
    talk = begin(protocol).say(f"S: {said}")
    assert (talk.session.closed, talk.session.dropped) == (True, True)
    assert "odd" not in talk.client
    assert "a reply that no command waits for" in repr(talk.events(Failure))
    talk = begin(protocol, guard=False).say(f"S: {said}")
    assert talk.client == f"{said}|"
    assert [event.name for event in talk.events(Anomaly)] == ["unasked_reply"]  # type: ignore[union-attr]


def test_an_unreadable_server_ends_a_guarded_session_with_a_word() -> None:
    talk = begin("pop3").say("C: STAT\nS: what?")
    assert talk.client.startswith("-ERR [SYS/TEMP] The mail server sent something")
    assert "server" in repr(talk.events(Failure))


# -- observing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "side", "said"),
    [
        ("pop3", Side.SERVER, b"what is this\r\nand this"),
        ("pop3", Side.CLIENT, b"x" * 70_000),
        ("imap", Side.CLIENT, b"a SELECT {70000}\r\n" + b"x" * 99),
        ("imap", Side.SERVER, b"+ go\r\n* BYE"),
        ("smtp", Side.SERVER, b"250-a\r\n251 b\r\n250"),
    ],
)
def test_an_observer_goes_blind_without_losing_an_octet(protocol: str, side: Side, said: bytes) -> None:
    talk = begin(protocol, guard=False)
    held = b"" if side is Side.CLIENT else b"noop"
    talk.raw(side.other, held)
    talk.raw(side, said)
    assert talk.session.blind
    assert not talk.session.unfinished
    assert talk.got(side.other) == said.decode().replace("\r\n", "|")
    assert talk.got(side) == held.decode()
    talk.raw(side, b"\0more\n")
    talk.raw(side.other, b"\0less\n")
    assert (talk.got(side.other), talk.got(side)) == ("\0more\n", "\0less\n")
    assert len(talk.events(Anomaly)) == 1
    talk.session.end("Bye", "timeout")
    talk.wires.flow()
    assert talk.got(Side.CLIENT) == "", "nobody knows what may stand here"


def test_an_observer_goes_blind_with_a_command_that_waits() -> None:
    talk = begin("smtp", guard=False).say("C: RSET\nC: MAIL FROM:<a@b>\nC: NOOP\nS: nonsense")
    assert talk.server == "RSET|MAIL FROM:<a@b>|NOOP|"
    assert talk.client == "nonsense|"


def test_an_observer_forwards_what_a_guard_refuses_and_says_so() -> None:
    talk = begin("pop3", guard=False)
    talk.raw(Side.CLIENT, b"DELE  1\nXNEW\r\n")
    assert talk.server == "DELE  1\nXNEW|"
    assert [event.name for event in talk.events(Anomaly)] == ["odd_command"] * 2  # type: ignore[union-attr]


# -- what is said of it -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("pop3", "C: USER ann\nS: +OK\nC: PASS opensesame\nS: +OK"),
        ("pop3", f"C: AUTH PLAIN\nS: + \nC: {TOKEN}\nS: -ERR"),
        ("pop3", f"C: AUTH PLAIN {TOKEN}\nS: +OK"),
        ("pop3", "C: opensesame\nC:  opensesame"),
        ("imap", 'C: a LOGIN ann "opensesame"\nS: a OK'),
        ("imap", "C: a LOGIN ann {10}\nS: +\nC: opensesame\nS: a NO"),
        ("imap", "C: a LOGIN {3+}\nC: ann opensesame\nS: +\nS: a OK"),
        ("imap", f"C: a AUTHENTICATE PLAIN\nS: +\nC: {TOKEN}\nS: a OK"),
        ("imap", "C: opensesame\nC: a opensesame\nC: a opensesame x"),
        ("smtp", f"C: EHLO me\nS: 250 hi\nC: AUTH PLAIN {TOKEN}\nS: 235"),
        ("smtp", f"C: EHLO me\nS: 250 hi\nC: AUTH LOGIN\nS: 334\nC: YW5u\nS: 334\nC: {TOKEN}\nS: 535"),
    ],
)
@pytest.mark.parametrize("guard", [True, False])
def test_events_hold_no_secret(protocol: str, text: str, guard: bool) -> None:
    talk = begin(protocol, HELLO[protocol], guard=guard).say(text)
    talk.session.eof(Side.CLIENT)
    talk.session.unanswered()
    told = repr(talk.wires.events)
    assert told != "[]"
    assert "opensesame" not in told
    assert TOKEN not in told


def test_a_command_is_reported_with_its_text_and_time() -> None:
    seconds = iter([0.0, 10.0, 12.5])
    events: list[Event] = []
    session = Session("pop3", Options(), Facts("pop3"), NO_RULES, events.append, lambda: next(seconds))
    session.receive(Side.SERVER, b"+OK\r\n")
    session.receive(Side.CLIENT, b"TOP 1 5\r\n")
    session.receive(Side.SERVER, b"-ERR no\r\n")
    assert events == [CommandDone("TOP", "1 5", "forward", "ERR", 2.5)]
    assert (session.commands, session.octets) == (1, [9, 14])


def test_without_anybody_to_tell_it_goes_on() -> None:
    session = Session("pop3", Options(), Facts("pop3"))
    session.receive(Side.SERVER, b"+OK\r\n")
    session.receive(Side.CLIENT, b"what\r\n")
    assert not session.closed
