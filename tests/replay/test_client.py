"""Replays over a wire: their deadlines, and real servers."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from mailproxy.capture.bodies import BodyStore
from mailproxy.replay.client import Play, Target, play_over, replay
from mailproxy.replay.client_account import Account
from mailproxy.replay.client_player import Manner, Player
from mailproxy.replay.script import Script
from mailproxy.replay.script_file import scripts
from mailproxy.tls.client import upstream_context
from tests.net.fake_server import Fake, serving
from tests.replay.client_scene import capture_file, played, report_of, script, told
from tests.replay.client_tap import tapped
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE, BOB, TLS_KINDS, Tls
from tests.servers.postfix import Postfix

NOOP = "S: 220 x\nC: NOOP\nS: 250 x\nC: QUIT\nS: 221 x"


async def test_the_same_server() -> None:
    play = await played(script("smtp", NOOP), NOOP)
    report = report_of(play)
    assert report.same
    assert report.said == 2
    assert not report.findings


async def test_a_server_that_hangs_up() -> None:
    play = await played(script("smtp", NOOP), "S: 220 x\nC: NOOP", closes=True)
    assert play.closed_early
    assert told(report_of(play).real) == [("NOOP", "connection", "250", "closed by the server")]


async def test_a_server_that_says_nothing(autojump_clock: MockClock) -> None:
    play = await played(script("smtp", NOOP), "S: 220 x\nC: NOOP", within=12.0)
    assert play.failed == (
        "the server did not end its reply to NOOP within 12 seconds; if it is slow, say --timeout SECONDS"
    )
    assert trio.current_time() == pytest.approx(12.0)
    assert not report_of(play).same


async def test_pauses_of_the_capture(autojump_clock: MockClock) -> None:
    found = script("smtp", NOOP, pause=7.0)
    began = trio.current_time()
    await played(found, NOOP)
    assert trio.current_time() == began
    await played(found, NOOP, recorded_speed=True)
    assert trio.current_time() == began + 7.0


async def test_idle_without_news(autojump_clock: MockClock) -> None:
    captured = "S: * OK\nC: a IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nS: a OK x"
    play = await played(script("imap", captured), "S: * OK\nC: a IDLE\nS: + idling\nC: DONE\nS: a OK x")
    report = report_of(play)
    assert report.same
    assert told(report.must) == [("IDLE", "response", "4 EXISTS", "")]


async def test_a_trickle_is_no_reply(autojump_clock: MockClock) -> None:
    """One octet now and then must not hold the replay for ever."""

    class Trickle:
        said = b"220 x\r\n"

        async def send(self, data: bytes) -> None:
            self.said = b"250-x\r\n" * 1000

        async def receive(self) -> bytes:
            await trio.sleep(0.5 if len(self.said) > 100 else 0.0)
            octet, self.said = self.said[:1], self.said[1:]
            return octet

    found = script("smtp", NOOP)
    play = Play(found)
    await play_over(Trickle(), Player(found, Manner()), play, 10.0)
    assert "did not end its reply to NOOP within 10 seconds" in play.failed
    assert trio.current_time() < 12.0


async def nothing(transport: object, fake: Fake) -> None:
    """A server that closes each connection at once."""


def no_tls() -> ssl.SSLContext:
    raise AssertionError("TLS was begun")


async def test_no_server_there() -> None:
    async with serving(nothing) as fake:
        port = fake.port
    play = await replay(script("smtp", NOOP), Target("127.0.0.1", port, "none", no_tls), Manner())
    assert play.failed.startswith(f"cannot connect to 127.0.0.1:{port}")


@pytest.mark.parametrize(("clear", "failed"), [(True, ""), (False, "the server does not offer STARTTLS")])
async def test_without_starttls(clear: bool, failed: str) -> None:
    async def plain(transport, fake):  # type: ignore[no-untyped-def]
        await transport.send(b"220 x\r\n")
        while True:
            await transport.readable()
            data = transport.read()
            if not isinstance(data, bytes):
                return
            fake.heard.append(data)
            await transport.send(b"221 x\r\n" if data == b"QUIT\r\n" else b"250 x\r\n")

    async with serving(plain) as fake:
        target = Target("127.0.0.1", fake.port, "starttls", no_tls, clear=clear)
        play = await replay(script("smtp", NOOP), target, Manner())
    assert play.failed == failed
    assert not play.encrypted
    assert (b"NOOP\r\n" in fake.heard) is clear
    assert play.notes == (["not encrypted: the server does not offer STARTTLS"] if clear else [])


# -- real servers ---------------------------------------------------------------------------


def scripts_of(folder: Path, store: BodyStore, protocol: str, turns: object, **more: bool) -> list[Script]:
    path = capture_file(folder / "captured.pcap", (protocol, turns))  # type: ignore[arg-type]
    return scripts(path, store, **more)  # type: ignore[arg-type]


def target_of(protocol: str, port: int, tls: Tls, ca: Path) -> Target:
    context = upstream_context(protocol, ca)
    return Target("127.0.0.1", port, tls, lambda: context)


@pytest.mark.parametrize("tls", TLS_KINDS)
async def test_imap_with_dovecot(dovecot: Dovecot, tmp_path: Path, tls: Tls) -> None:
    account = dovecot.newcomer([b"Subject: one\n\nx\n", b"Subject: two\n\ny\n"])
    with tapped(dovecot.imap.open) as tap:
        client = imaplib.IMAP4("127.0.0.1", tap.port)
        client.login(account.user, account.password)
        client.select("INBOX")
        client.fetch("1:*", "(FLAGS BODY.PEEK[])")
        client.store("1", "+FLAGS", "(\\Deleted)")
        client.append("INBOX", "", "", b"Subject: three\r\n\r\nz\r\n")
        client.close()
        client.logout()
    before = sorted(path.name for path in dovecot.maildir(account).rglob("*:2,*"))
    with BodyStore() as store:
        (found,) = scripts_of(tmp_path, store, "imap", tap.turns)
        target = target_of("imap", dovecot.imap.of(tls), tls, dovecot.authority.ca)
        play = await replay(found, target, Manner(account=Account(account.user, account.password)))
    report = report_of(play)
    assert play.failed == ""
    assert play.encrypted is (tls != "none")
    # The captured session had removed the first message: what is fetched by number moved up.
    assert {verb for verb, _, _, _ in told(report.real)} == {"FETCH"}
    assert {one.verb for one in report.left_out} == {"STORE", "APPEND"}
    assert sorted(path.name for path in dovecot.maildir(account).rglob("*:2,*")) == before


async def test_imap_that_only_reads_has_no_real_difference(dovecot: Dovecot, tmp_path: Path) -> None:
    account = dovecot.newcomer([b"Subject: one\n\nx\n", b"Subject: two\n\ny\n"])
    with tapped(dovecot.imap.open) as tap:
        client = imaplib.IMAP4("127.0.0.1", tap.port)
        client.login(account.user, account.password)
        client.select("INBOX")
        client.fetch("1:*", "(FLAGS BODY[])")
        client.uid("SEARCH", "ALL")
        client.list()
        client.logout()
    with BodyStore() as store:
        (found,) = scripts_of(tmp_path, store, "imap", tap.turns)
        target = target_of("imap", dovecot.imap.secure, "implicit", dovecot.authority.ca)
        report = report_of(
            await replay(found, target, Manner(account=Account(account.user, account.password)))
        )
    assert told(report.real) == []
    assert not report.failures
    assert report.said == 7
    assert found.user == account.user


async def test_changed_mail_is_a_real_difference(dovecot: Dovecot, tmp_path: Path) -> None:
    account = dovecot.newcomer([b"Subject: one\n\nx\n"])
    with tapped(dovecot.pop3.open) as tap:
        client = poplib.POP3("127.0.0.1", tap.port)
        client.user(account.user)
        client.pass_(account.password)
        client.uidl()
        client.retr(1)
        client.quit()
    with BodyStore() as store:
        (found,) = scripts_of(tmp_path, store, "pop3", tap.turns)
        target = target_of("pop3", dovecot.pop3.open, "starttls", dovecot.authority.ca)
        manner = Manner(account=Account(account.user, account.password))
        same = report_of(await replay(found, target, manner))
        dovecot.deliver(account, b"Subject: two\n\ny\n")
        more = report_of(await replay(found, target, manner))
    assert told(same.real) == []
    assert [(verb, what) for verb, what, _, _ in told(more.real)] == [("UIDL", "response")]
    assert told(more.real)[0][3].startswith("2 ")


async def test_deletions_need_leave(dovecot: Dovecot, tmp_path: Path) -> None:
    account = dovecot.newcomer([b"Subject: one\n\nx\n", b"Subject: two\n\ny\n"])
    with tapped(dovecot.pop3.open) as tap:
        client = poplib.POP3("127.0.0.1", tap.port)
        client.user(account.user)
        client.pass_(account.password)
        client.stat()
        client.dele(1)
        client.rset()
        client.dele(1)
        client.quit()
    target = target_of("pop3", dovecot.pop3.open, "starttls", dovecot.authority.ca)
    manner = Manner(account=Account(account.user, account.password))

    def left() -> int:
        return sum(1 for folder in ("cur", "new") for _ in (dovecot.maildir(account) / folder).iterdir())

    assert left() == 1
    dovecot.deliver(account, b"Subject: three\n\nz\n")
    with BodyStore() as store:
        (harmless,) = scripts_of(tmp_path, store, "pop3", tap.turns)
        report = report_of(await replay(harmless, target, manner))
        assert [one.verb for one in report.left_out] == ["DELE", "DELE"]
        assert report.same
        assert left() == 2
        (harmful,) = scripts_of(tmp_path, store, "pop3", tap.turns, allow_destructive=True)
        await replay(harmful, target, manner)
        assert left() == 1


async def test_a_wrong_password(dovecot: Dovecot, tmp_path: Path) -> None:
    captured = "S: +OK\nC: USER alice\nS: +OK\nC: PASS ****\nS: +OK in\nC: STAT\nS: +OK 0 0"
    target = target_of("pop3", dovecot.pop3.open, "starttls", dovecot.authority.ca)
    play = await replay(script("pop3", captured), target, Manner(account=Account("alice", "no")))
    assert play.failed.startswith("the server refuses the login of alice: ERR [AUTH]")
    assert len(play.outcomes) == 2


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
async def test_mechanisms_of_dovecot(dovecot: Dovecot, mechanism: str) -> None:
    captured = f"S: * OK\nC: a AUTHENTICATE {mechanism}\nS: + \nC: ****\nS: a OK in\nC: b NOOP\nS: b OK x"
    target = target_of("imap", dovecot.imap.secure, "implicit", dovecot.authority.ca)
    manner = Manner(account=Account(ALICE.user, ALICE.password))
    play = await replay(script("imap", captured), target, manner)
    assert play.failed == ""
    assert [outcome.answer.status for outcome in play.outcomes if outcome.answer] == ["OK", "OK"]


@pytest.mark.parametrize("tls", TLS_KINDS)
async def test_smtp_with_postfix(postfix: Postfix, dovecot: Dovecot, tmp_path: Path, tls: Tls) -> None:
    message = b"Subject: replayed\r\n\r\n.dot\r\n"
    with tapped(postfix.submission.open) as tap:
        client = smtplib.SMTP("127.0.0.1", tap.port)
        client.ehlo("client.example.test")
        client.login(ALICE.user, ALICE.password)
        client.sendmail("alice@example.test", ["bob@example.test"], message)
        client.quit()
    manner = Manner(account=Account(ALICE.user, ALICE.password))
    target = target_of("smtp", postfix.submission.of(tls), tls, dovecot.authority.ca)
    with BodyStore() as store:
        (harmless,) = scripts_of(tmp_path, store, "smtp", tap.turns)
        report = report_of(await replay(harmless, target, manner))
        assert [one.verb for one in report.left_out] == ["MAIL", "RCPT", "DATA"]
        assert told(report.real) == []
        assert not report.failures
        (harmful,) = scripts_of(tmp_path, store, "smtp", tap.turns, allow_destructive=True)
        report = report_of(await replay(harmful, replace(target, timeout=20.0), manner))
        assert told(report.real) == []
        assert not report.failures
        assert not report.left_out
    assert BOB.user in str(harmful.steps[3].command.line)
