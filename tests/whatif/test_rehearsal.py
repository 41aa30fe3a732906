"""Captured sessions under other rules; and under the same ones: the verdicts of the live proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture import conversations
from mailproxy.capture.bodies import BodyStore
from mailproxy.whatif.clock import Clock
from mailproxy.whatif.rehearsal import Rehearsal, Terms, terms_of
from mailproxy.whatif.sessions import captured_sessions
from tests.dialogue import parse
from tests.play import _guards, _options
from tests.test_transcripts import FILES, judge_of
from tests.whatif.recorded import captured, lived, rehearse, short

POP3 = """
S: +OK ready <old.1@pop.example.test>
{login}
C: UIDL
S: +OK here they are
S: 1 a-1
S: 2 a-2
S: .
C: LIST
S: +OK sizes
S: 1 57
S: 2 133
S: .
C: RETR 1
S: +OK 57 octets
S: Subject: one
S: .
C: DELE 1
S: +OK gone, as you wish
C: DELE 2
S: +OK gone, as you wish
C: QUIT
S: +OK bye, bye
"""
USER = "C: USER aiko\nS: +OK who\nC: PASS ******\nS: +OK 2 messages"
LATER = """
S: +OK ready
C: USER aiko
S: +OK who
C: PASS ******
S: +OK 2 messages
C: UIDL
S: +OK
S: 1 a-2
S: 2 a-3
S: .
C: LIST
S: +OK
S: 1 133
S: 2 40
S: .
C: DELE 2
S: +OK
C: QUIT
S: +OK
"""
IMAP = r"""
S: * OK [CAPABILITY IMAP4rev1 UIDPLUS MOVE] hi
C: a LOGIN ann ******
S: a OK [CAPABILITY IMAP4rev1 UIDPLUS MOVE] in
C: b SELECT INBOX
S: * FLAGS (\Deleted \Seen)
S: * 3 EXISTS
S: * OK [UIDVALIDITY 7] valid
S: b OK [READ-WRITE] selected
C: c UID FETCH 1:* (FLAGS)
S: * 1 FETCH (UID 11 FLAGS ())
S: * 2 FETCH (UID 12 FLAGS (\Seen))
S: * 3 FETCH (UID 13 FLAGS ())
S: c OK done
C: d UID STORE 12 +FLAGS (\Deleted)
S: * 2 FETCH (UID 12 FLAGS (\Seen \Deleted))
S: d OK done
C: e EXPUNGE
S: * 2 EXPUNGE
S: e OK done
C: f APPEND Sent {5}
S: + go
C: Hello
S: f OK done
C: g IDLE
S: + idling
S: * 3 EXISTS
C: DONE
S: g OK done
C: h LOGOUT
S: * BYE
S: h OK bye
"""
SMTP = """
S: 220 mx
C: EHLO pc
S: 250-mx
S: 250 SIZE
C: MAIL FROM:<a@example.com>
S: 250 ok
C: RCPT TO:<b@example.com>
S: 250 ok
C: DATA
S: 354 go
C: Subject: x
C: body
C: .
S: 250 queued
C: QUIT
S: 221 bye
"""


@pytest.mark.parametrize(
    "login",
    [
        USER,
        "C: APOP aiko ********************************\nS: +OK in",
        "C: APOP aiko 0123456789abcdef0123456789abcdef\nS: +OK in",
        "C: AUTH PLAIN AGFpa28AeA==\nS: +OK in",
        "C: AUTH PLAIN\nS: + \nC: AGFpa28AeA==\nS: +OK in",
    ],
)
def test_each_deletion_is_named(store: BodyStore, login: str) -> None:
    (outcome,) = rehearse(captured("pop3", POP3.format(login=login), store), rules=["pop3-keep"])
    assert short(outcome, "answered") == ["DELE 1: keep", "DELE 2: keep"]
    assert {verdict.rule for verdict in outcome.verdicts if verdict.verdict == "keep"} == {"pop3-keep"}
    assert outcome.user == "aiko"
    assert outcome.left == 0


def test_what_one_session_keeps_is_hidden_from_the_next(store: BodyStore) -> None:
    text = POP3.format(login=USER).replace("C: DELE 1\nS: +OK gone, as you wish\n", "")
    first, second = captured("pop3", text, store), captured("pop3", LATER, store)
    (alone,) = rehearse(second, rules=["pop3-keep"])
    _, behind = rehearse(first, second, rules=["pop3-keep"])
    assert short(alone, "answered") == ["DELE 2: keep"]
    # Of the two messages one is hidden, so number 2 is none.
    assert "DELE 2: answered" in short(behind)
    assert "DELE 2: keep" not in short(behind)


@pytest.mark.parametrize(
    ("protocol", "transcript", "rule", "expected"),
    [
        ("pop3", POP3.format(login=USER), "pop3-block-dele", ["DELE 1: block", "DELE 2: block"]),
        ("imap", IMAP, "imap-trash", ["EXPUNGE: trash"]),
        (
            "imap",
            IMAP,
            "imap-no-deletion",
            [r"UID STORE 12 +FLAGS (\Deleted): block", "EXPUNGE: block"],
        ),
        (
            "imap",
            IMAP,
            "imap-read-only",
            [
                "SELECT INBOX: examine",
                r"UID STORE 12 +FLAGS (\Deleted): block",
                "EXPUNGE: block",
                "APPEND Sent {5}: block",
            ],
        ),
        ("smtp", SMTP, "smtp-listed-domains", []),
        ("pop3", POP3.format(login=USER), "imap-trash", []),
    ],
)
def test_shipped_rules(
    store: BodyStore, protocol: str, transcript: str, rule: str, expected: list[str]
) -> None:
    (outcome,) = rehearse(captured(protocol, transcript, store), rules=[rule])
    assert short(outcome) == expected
    assert outcome.left == 0
    assert (
        outcome.commands
        == sum(line.startswith("C: ") for line in transcript.split("\n"))
        - {
            "imap": 2,  # a message, and DONE
            "smtp": 3,  # lines of a message
            "pop3": 0,
        }[protocol]
    )


def test_what_goes_to_the_trash_is_answered_from_the_capture(store: BodyStore) -> None:
    (outcome,) = rehearse(captured("imap", IMAP, store), rules=["imap-trash"])
    assert any("UID SEARCH DELETED" in note for note in outcome.notes)
    assert any("UID MOVE 12" in note for note in outcome.notes)


def test_behind_the_end_nothing_is_run(store: BodyStore, tmp_path: Path) -> None:
    text = '[[rule]]\nname = "out"\non = ["pop3 RETR"]\ndo = "close"\n'
    (tmp_path / "out.toml").write_text(text)
    session = captured("pop3", POP3.format(login=USER), store)
    (outcome,) = rehearse(session, rules=[str(tmp_path / "out")])
    assert short(outcome) == ["RETR 1: close"]
    assert outcome.left == 3
    assert "rule" in outcome.ended


def test_rules_in_observe_mode_are_told(store: BodyStore, tmp_path: Path) -> None:
    text = '[[rule]]\nname = "look"\non = ["pop3 DELE"]\ndo = "block"\nmode = "observe"\n'
    (tmp_path / "look.toml").write_text(text)
    session = captured("pop3", POP3.format(login=USER), store)
    (outcome,) = rehearse(session, rules=[str(tmp_path / "look")])
    assert [(one.verb, one.verdict, one.would) for one in outcome.verdicts] == [
        ("DELE", "forward", (("look", "block"),)),
        ("DELE", "forward", (("look", "block"),)),
    ]


def test_the_time_is_that_of_the_capture(store: BodyStore, tmp_path: Path) -> None:
    when = 'now < timestamp("2024-01-01T00:00:00Z")'
    text = f"[[rule]]\nname = 'then'\non = ['pop3 DELE']\nwhen = '{when}'\ndo = 'block'\n"
    (tmp_path / "then.toml").write_text(text)
    session = captured("pop3", POP3.format(login=USER), store)  # of November 2023
    (outcome,) = rehearse(session, rules=[str(tmp_path / "then")])
    assert short(outcome) == ["DELE 1: block", "DELE 2: block"]


def test_half_a_conversation_says_nothing_of_the_mailbox(store: BodyStore) -> None:
    lines = [line for line in POP3.format(login=USER).split("\n") if line.startswith("C:")]
    (outcome,) = rehearse(captured("pop3", "\n".join(lines), store), rules=["pop3-keep"])
    assert short(outcome, "answered") == ["DELE 1: refuse", "DELE 2: refuse"]
    assert any("only the client's half" in note for note in outcome.notes)


def test_a_session_that_breaks_off_leaves_its_last_command_unanswered(store: BodyStore) -> None:
    text = POP3.format(login=USER).partition("S: +OK gone")[0]
    (outcome,) = rehearse(captured("pop3", text, store), rules=["pop3-block-dele"])
    assert short(outcome) == ["DELE 1: block"]
    (outcome,) = rehearse(captured("pop3", text, store), rules=["imap-trash"])
    assert outcome.commands == 6  # what was sent is told, as it would have been


# What is recorded is not always what was sent, so that some verdicts cannot come out again.
NOT_THE_SAME = {
    "imap/bare-line-ends": "a line with control characters is masked, and no longer wrong",
    "smtp/bare-line-ends": "the same",
    "smtp/first-words-of-http": "an unknown command is masked, and no longer HTTP",
    "imap/starttls-with-bytes-behind": "octets behind STARTTLS are recorded as if TLS had begun",
    "pop3/stls-with-bytes-behind": "the same",
    "smtp/starttls-with-bytes-behind": "the same",
    "pop3/keep-server-lost": "what the server would have said if it had not gone is made up",
}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


GUARDED = [path for path in FILES if "observe" not in parse(path).options]  # else no rule is asked


@pytest.mark.parametrize("path", GUARDED, ids=_name)
def test_the_verdicts_are_those_of_the_live_proxy(
    path: Path, store: BodyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript = parse(path)
    judge = judge_of(transcript)
    tape, done = lived(transcript, judge)
    monkeypatch.setattr(conversations, "read_streams", lambda *_: iter(tape.events))
    terms = Terms(tls="tls" in transcript.options, options=_options(transcript))
    rehearsal = Rehearsal({transcript.protocol: judge}, _guards(transcript), Clock())
    outcomes = [rehearsal.run(session, terms) for session in captured_sessions(path, store)]

    live = [(one.verb, one.text, one.verdict, one.rule) for one in done if one.verdict != "forward"]
    told = [verdict for outcome in outcomes for verdict in outcome.verdicts]
    now = [(one.verb, one.text, one.verdict, one.rule) for one in told if one.verdict != "forward"]
    same = live == now and sum(outcome.commands for outcome in outcomes) == len(done)
    same = same and not any(verdict.changed for verdict in told)
    assert same is (_name(path) not in NOT_THE_SAME), f"live {live}\nnow {now}"


def test_the_exceptions_are_there() -> None:
    assert NOT_THE_SAME.keys() <= {_name(path) for path in FILES}


@pytest.mark.parametrize(
    ("name", "tls", "starttls"),
    [
        ("pop3/login", False, False),
        ("pop3/stls-never-forwarded", False, True),
        ("smtp/starttls-under-tls", True, False),
    ],
)
def test_terms_of_our_own_capture(
    store: BodyStore, monkeypatch: pytest.MonkeyPatch, name: str, tls: bool, starttls: bool
) -> None:
    (path,) = (path for path in FILES if _name(path) == name)
    tape, _ = lived(parse(path), judge_of(parse(path)))
    monkeypatch.setattr(conversations, "read_streams", lambda *_: iter(tape.events))
    (session,) = captured_sessions(path, store)
    assert session.server is not None
    terms = terms_of(session)
    assert (terms.tls, terms.options.starttls) == (tls, starttls)


def test_terms_of_a_foreign_capture(store: BodyStore) -> None:
    session = captured("pop3", LATER, store)
    assert terms_of(session).tls is False
    assert terms_of(session, tls=True).tls is True
    assert terms_of(session).upstream == "192.0.2.1:110"
    assert terms_of(session).options.guard
