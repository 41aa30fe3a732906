"""mailproxy.record.log: each event becomes one safe line."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from typing import get_args

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproxy.events import (
    Anomaly,
    ArchiveFailed,
    BrakeHeld,
    CaptureWanted,
    CommandDone,
    Conflict,
    Deleted,
    Event,
    ExpireZero,
    Failure,
    Fault,
    GmailPop,
    KeepUnavailable,
    KeptMailGrows,
    LegSecured,
    LoggedIn,
    LoginFailed,
    MailboxNearlyFull,
    MailboxSeen,
    MovedToTrash,
    OverQuota,
    QuotaSeen,
    Secret,
    SessionEnded,
    SessionStarted,
    TrashFailed,
    UidlChurn,
    UsageLost,
    WouldHave,
)
from mailproxy.record import guard_lines, usage_lines
from mailproxy.record import log as module
from mailproxy.record.lines import Clock
from mailproxy.record.log import Log

NOON = 1_795_348_800.0625  # 2026-11-22T12:00:00.062Z
HEAD = {"time": "2026-11-22T12:00:00.062Z"}

EVENTS = [
    (
        SessionStarted("pop3", "127.0.0.1:1110", "192.0.2.7:4000", "main"),
        "info",
        "session.start",
        {"protocol": "pop3", "listener": "127.0.0.1:1110", "client": "192.0.2.7:4000", "upstream": "main"},
    ),
    (
        LegSecured("client", "TLSv1.3", "AES"),
        "info",
        "tls",
        {"side": "client", "version": "TLSv1.3", "cipher": "AES"},
    ),
    (LoggedIn("u", "PLAIN", True), "info", "login", {"user": "u", "mechanism": "PLAIN", "tls": True}),
    (LoginFailed("u", "PLAIN"), "warning", "login.failed", {"user": "u", "mechanism": "PLAIN"}),
    (
        CommandDone("DELE", "DELE 1", "forward", "OK", 0.0123456789),
        "info",
        "command",
        {"verb": "DELE", "text": "DELE 1", "verdict": "forward", "status": "OK", "seconds": 0.012345},
    ),
    (
        CommandDone("DELE", "DELE 1", "block", "ERR", 0.0, "no-deletion", "Mail stays."),
        "info",
        "command",
        {
            "verb": "DELE",
            "text": "DELE 1",
            "verdict": "block",
            "status": "ERR",
            "seconds": 0.0,
            "rule": "no-deletion",
            "why": "Mail stays.",
        },
    ),
    (
        WouldHave("DELE", "no-deletion", "block"),
        "info",
        "rule.observed",
        {"verb": "DELE", "rule": "no-deletion", "action": "block"},
    ),
    (
        Anomaly("bare-lf", "client", "at 3"),
        "warning",
        "anomaly",
        {"name": "bare-lf", "side": "client", "detail": "at 3"},
    ),
    *(
        (Failure(fault, "gone", "d"), level, "failure", {"fault": fault.value, "what": "gone", "detail": "d"})
        for fault, level in {
            Fault.CLIENT: "info",
            Fault.SERVER: "warning",
            Fault.NETWORK: "warning",
            Fault.TLS: "warning",
            Fault.CONFIG: "error",
            Fault.OURS: "error",
        }.items()
    ),
    (
        SessionEnded("imap", "c", "u", 1.23456, 7, 1, 2, "TLSv1.3", "", {"forward": 7}, "quit"),
        "info",
        "session.end",
        {
            "protocol": "imap",
            "client": "c",
            "user": "u",
            "seconds": 1.235,
            "commands": 7,
            "octets_in": 1,
            "octets_out": 2,
            "tls_client": "TLSv1.3",
            "tls_server": "",
            "verdicts": {"forward": 7},
            "reason": "quit",
        },
    ),
    (
        BrakeHeld("u", "r", "too many"),
        "error",
        "brake.held",
        {"user": "u", "rule": "r", "why": "too many", "hint": guard_lines.RELEASE},
    ),
    (CaptureWanted("r"), "info", "capture.wanted", {"rule": "r"}),
    (
        MovedToTrash("INBOX", "Trash", 3),
        "info",
        "trash.moved",
        {"mailbox": "INBOX", "trash": "Trash", "messages": 3},
    ),
    (
        TrashFailed("INBOX", "full"),
        "warning",
        "trash.failed",
        {"mailbox": "INBOX", "why": "full", "hint": guard_lines.STAYS},
    ),
    (
        ArchiveFailed("INBOX", "full"),
        "error",
        "archive.failed",
        {"mailbox": "INBOX", "why": "full", "hint": guard_lines.STAYS},
    ),
    (MailboxSeen(2, 320), "debug", "mailbox.seen", {"messages": 2, "octets": 320}),
    (QuotaSeen(1024, 2048), "debug", "quota.seen", {"used": 1024, "limit": 2048}),
    (
        OverQuota("imap APPEND"),
        "warning",
        "quota.exceeded",
        {"where": "imap APPEND", "hint": usage_lines.NO_ROOM},
    ),
    (Deleted(2, 3), "info", "deleted", {"messages": 2, "kept": 3}),
    (UidlChurn(8, 9), "warning", "uidl_churn", {"missing": 8, "kept": 9, "hint": usage_lines.CHURN}),
    (
        KeepUnavailable("no UIDL"),
        "warning",
        "keep.unavailable",
        {"why": "no UIDL", "hint": usage_lines.NOT_KEPT},
    ),
    (ExpireZero("main"), "warning", "expire_zero", {"upstream": "main", "hint": usage_lines.EXPIRES}),
    (GmailPop("main"), "warning", "gmail_pop", {"upstream": "main", "hint": usage_lines.GMAIL}),
    (
        Conflict("main", "u", "192.0.2.1", "192.0.2.2", 2, 7, "keep.toml"),
        "warning",
        "conflict",
        {
            "upstream": "main",
            "user": "u",
            "pop3_client": "192.0.2.1",
            "imap_client": "192.0.2.2",
            "deleted": 2,
            "since_days": 7,
            "rule": "keep.toml",
            "hint": usage_lines.CONFLICT.format(rule="keep.toml"),
        },
    ),
    (
        MailboxNearlyFull("main", "u", 91, 100, 0),
        "warning",
        "mailbox.nearly_full",
        {"upstream": "main", "user": "u", "used": 91, "limit": 100, "kept": 0, "hint": usage_lines.FULL},
    ),
    (
        KeptMailGrows("main", "u", 2, 320, 0.61234),
        "warning",
        "kept.grows",
        {
            "upstream": "main",
            "user": "u",
            "messages": 2,
            "octets": 320,
            "share": 0.612,
            "hint": usage_lines.KEPT_FILLS,
        },
    ),
    (
        UsageLost(3, "the disk is full"),
        "warning",
        "usage.lost",
        {"events": 3, "why": "the disk is full", "hint": usage_lines.LOST},
    ),
]


@pytest.fixture
def make(tmp_path):
    """A log at noon, and a function that closes it and gives its lines as they are in the file."""

    def make(level: str = "info"):
        file = tmp_path / "log"
        file.unlink(missing_ok=True)
        log = Log(str(file), level, Clock(lambda: NOON))

        def lines() -> list[bytes]:
            log.close()
            return file.read_bytes().split(b"\n")[:-1]

        return log, lines

    return make


@pytest.mark.parametrize(("event", "level", "name", "fields"), EVENTS)
def test_events(event, level, name, fields, make):
    log, lines = make("debug")
    log.session("s1", node="n")(event)
    [line] = lines()
    assert json.loads(line) == {**HEAD, "level": level, "event": name, "session": "s1", "node": "n", **fields}
    assert line.startswith(b'{"time":"2026-11-22T12:00:00.062Z","level":"%s","event":' % level.encode())


def test_every_kind_of_event_is_tried():
    assert {type(row[0]) for row in EVENTS} == set(get_args(Event)) == set(module._SAY)
    assert {row[0].fault for row in EVENTS if isinstance(row[0], Failure)} == set(Fault)


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_level(level, count, make):
    log, lines = make(level)
    for word in ("debug", "info", "warning", "error"):
        log.say("listening", word)
    assert len(lines()) == count


def test_no_such_level(tmp_path):
    with pytest.raises(ValueError, match="there are debug, info"):
        Log(str(tmp_path / "log"), "loud")


def test_say(make):
    log, lines = make()
    log.say("listening", address="127.0.0.1:1", time="x", level="info", count=3, ratio=0.5, none=None)
    log.say("stopping")
    first, second = map(json.loads, lines())
    assert first == HEAD | {
        "level": "info",
        "event": "listening",
        "address": "127.0.0.1:1",
        "time_": "x",
        "count": 3,
        "ratio": 0.5,
        "none": None,
    }
    assert second == HEAD | {"level": "info", "event": "stopping"}


def test_tell(make):
    log, lines = make()
    log.tell(GmailPop("main"))
    [line] = map(json.loads, lines())
    assert line == HEAD | {
        "level": "warning",
        "event": "gmail_pop",
        "upstream": "main",
        "hint": usage_lines.GMAIL,
    }


def test_warnings_and_errors_are_written_at_once(make, tmp_path):
    log, _ = make()
    log.say("listening")
    assert (tmp_path / "log").read_bytes() == b""
    log.say("bad", "warning")
    assert (tmp_path / "log").read_bytes().count(b"\n") == 2
    log.say("listening")
    log.flush()
    assert (tmp_path / "log").read_bytes().count(b"\n") == 3
    log.close()


HOSTILE = {
    "escape": "NOOP \x1b]0;own\x07\x1b[2J",
    "C1": "\x9b31m\x85",
    "delete": "\x7f",
    "forged line": 'x\n{"event":"login"}\r\n',
    "line separators": "\u2028\u2029",
    "bidirectional": "\u202e\u2066gpj.exe\u200f",
    "invisible": "\u200b\ufeff\U000e0041",
    "half a pair": "\ud83d \udce4",
    "NUL": "\x00",
    "quote": '","level":"error',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text(case, make):
    log, lines = make()
    log.session("s1", user=HOSTILE[case])(CommandDone("NOOP", HOSTILE[case], "forward", "OK", 0.0))
    [line] = lines()
    assert line.decode().isprintable()
    assert json.loads(line)["event"] == "command"
    if case != "half a pair":
        assert json.loads(line)["text"] == HOSTILE[case]


def test_plain_letters_stay_legible(make):
    log, lines = make()
    log.say("x", text="Grüße, 日本語")
    assert "Grüße, 日本語" in lines()[0].decode()


def test_long_text_is_cut(make):
    log, lines = make()
    text = "a" * 1_000_000
    log.session("s1")(CommandDone("X", text, "forward", "OK", 0.0))
    log.session("s1")(CommandDone("X", "b" * 300, "forward", "OK", 0.0))
    long, fits = map(json.loads, lines())
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert long["text"] == "a" * 300 + f"… (1000000 characters, sha256 {digest})"
    assert fits["text"] == "b" * 300


def test_secrets_and_odd_types(make):
    log, lines = make()
    log.say(
        "x",
        secret=Secret(b"hunter2"),
        inside={"a": [Secret(b"hunter2"), b"\xff\x1b"]},
        octets=b"caf\xc3\xa9",
        fault=Fault.TLS,
        large=2**200,
        endless=-(2**20000),
        other=frozenset({1}),
        deep=[[[[[[1]]]]]],
        nan=float("nan"),
    )
    log.session("s1")(CommandDone("PASS", Secret(b"hunter2"), "forward", "OK", 0.0))  # type: ignore[arg-type]
    first, second = lines()
    assert b"hunter2" not in first + second
    assert b"aHVudGVyMg" not in first + second  # the same in base64
    said = json.loads(first)
    assert said["secret"] == "<secret>"
    assert said["inside"] == {"a": ["<secret>", "\\xff\x1b"]}
    assert (said["octets"], said["fault"], said["large"], said["other"]) == ("café", "tls", hex(2**200), [1])
    assert json.loads(second)["text"] == "<secret>"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters()), st.text(max_size=3), st.binary() | st.integers() | st.floats() | st.none())
def test_any_text_is_one_printable_line_of_json(make, text, name, value):
    log, lines = make()
    log.session("s1", **{"x" + name: text})(Anomaly(text, "client", text))
    log.say("x", **{"x" + name: value})
    for line in lines():
        assert line.decode().isprintable()
        json.loads(line)


def test_nothing_global_is_touched(make):
    handlers = list(logging.root.handlers)
    log, lines = make()
    log.session("s1")(LoggedIn("u", "PLAIN", True))
    lines()
    assert not structlog.is_configured()
    assert logging.root.handlers == handlers


def test_sessions_do_not_mix(make):
    log, lines = make()
    one, two = log.session("s1", user="a"), log.session("s2")
    for emit in (one, two, one):
        emit(LoginFailed("u", "PLAIN"))
    assert [json.loads(line)["session"] for line in lines()] == ["s1", "s2", "s1"]


def test_rotation(make, tmp_path):
    log, _ = make()
    log.say("one")
    os.rename(tmp_path / "log", tmp_path / "log.1")
    log.reopen()
    log.say("two")
    log.close()
    assert b'"one"' in (tmp_path / "log.1").read_bytes()
    assert b'"two"' in (tmp_path / "log").read_bytes()


def test_rotation_that_fails_keeps_the_old_file(make, tmp_path):
    log, _ = make()
    os.rename(tmp_path / "log", tmp_path / "log.1")
    (tmp_path / "log").mkdir()
    log.reopen()
    log.say("two")
    log.close()
    old = [json.loads(line)["event"] for line in (tmp_path / "log.1").read_bytes().splitlines()]
    assert old == ["log_reopen_failed", "two"]
    (tmp_path / "log").rmdir()
