"""Real programs, recorded at a real server, meet their own capture again.

Three times each program does the same: at the server itself, through a recording proxy, and at
``mailproxy replay server`` with the capture. All three must end alike, with the same files. Then
``mailproxy replay client`` says what the program said to the server once more, which must answer
as it did.

The first time is also there so that nothing changes any more: it takes the \\Recent and sets
the \\Seen that would else be the difference between the second time and the last.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from tests.clients import programs, standard_library
from tests.clients.captured import EACH_SESSION, Ended, recorded, replay_client, replay_server
from tests.clients.standard_library import body, letter
from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE, BOB, PROTOCOLS, Account, Door, Ports, Protocol, Tls
from tests.servers.maildir import await_message, contents
from tests.servers.messages import sample_messages
from tests.servers.postfix import Postfix
from tests.waiting import until

STORED = list(sample_messages().values())
KINDS: tuple[Tls, ...] = ("implicit", "starttls")


def fetched_by_imap(home: Path, door: Door, account: Account, count: int) -> list[bytes]:
    """imaplib: LOGIN, SELECT, SEARCH, FETCH BODY.PEEK[]."""
    return standard_library.read_by_imap(door, account)


def fetched_by_pop3(home: Path, door: Door, account: Account, count: int) -> list[bytes]:
    """poplib: USER, PASS, STAT, RETR."""
    return standard_library.read_by_pop3(door, account)


def sent_by_smtplib(home: Path, door: Door, account: Account, recipient: Account, message: bytes) -> None:
    """smtplib: AUTH, MAIL, RCPT, DATA."""
    standard_library.send_by_smtp(door, account, recipient, message)


READERS: list[tuple[Protocol, programs.Reader, Tls]] = [
    ("pop3", programs.curl_pop3, "implicit"),
    ("pop3", programs.curl_pop3, "starttls"),
    ("pop3", programs.fetchmail, "implicit"),
    ("pop3", programs.fetchmail, "starttls"),
    ("pop3", programs.mpop, "starttls"),
    ("pop3", fetched_by_pop3, "implicit"),
    ("imap", programs.curl_imap, "implicit"),
    ("imap", programs.curl_imap, "starttls"),
    ("imap", programs.mbsync, "implicit"),
    ("imap", programs.mbsync, "starttls"),
    ("imap", fetched_by_imap, "starttls"),
]
SENDERS: list[tuple[programs.Sender, Tls]] = [
    (programs.curl_smtp, "implicit"),
    (programs.msmtp, "starttls"),
    (programs.swaks, "starttls"),
    (programs.swaks, "implicit"),
    (sent_by_smtplib, "starttls"),
]


@dataclass(frozen=True)
class Scene:
    """The servers, and the proxy in front of them that records each session into a file of its own."""

    dovecot: Dovecot
    ports: dict[Protocol, Ports]
    proxy: Proxy

    def direct(self, protocol: Protocol, tls: Tls) -> Door:
        return Door(self.ports[protocol].of(tls), tls, self.dovecot.authority.ca)

    def proxied(self, protocol: Protocol, tls: Tls) -> Door:
        return self.proxy.door(f"{protocol}-{tls}")

    def say_again(self, capture: Path, protocol: Protocol, tls: Tls, account: Account, *words: str) -> Ended:
        port = self.ports[protocol].of(tls)
        words = ("--tls", tls, "--json", *words)
        return replay_client(capture, port, self.dovecot.authority.ca, account, words)


@pytest.fixture(scope="module")
def scene(dovecot: Dovecot, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}
    ways = [
        Way(f"{protocol}-{tls}", protocol, tls, "implicit", ports[protocol].secure, dovecot.authority.ca)
        for protocol, tls in product(PROTOCOLS, KINDS)
    ]
    with mailproxy_running(tmp_path_factory.mktemp("round-trip"), ways, more=EACH_SESSION) as running:
        yield Scene(dovecot, dict(ports), running)


# What a program may not do alike twice, and what stands for it here.
SETTINGS = {"curlrc", "fetchmailrc", "mpoprc", "mbsyncrc", "msmtprc"}  # with the port, and whom to trust
MUST_DIFFER = [
    (rb"^(Received: .*\n(?:[ \t].*\n)*)", b"Received: then\n"),  # fetchmail: the time
    (rb"^X-TUID: .*\n", b"X-TUID: some\n"),  # mbsync: its own mark
    (rb"^NearUidValidity \d+$", b"NearUidValidity now"),  # mbsync: when the Maildir was made
]
MAILDIR = re.compile(r"((?:cur|new)/)[^/,:]*((?:,U=\d+)?(?::2,[A-Z]*)?)$")


def files(home: Path) -> list[tuple[str, bytes]]:
    """All that a program left in its home, without what must differ; names in Maildirs are of the hour."""
    found = []
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if not path.is_file() or path.name in SETTINGS or path.name == ".uidvalidity":
            continue
        data = path.read_bytes()
        for pattern, instead in MUST_DIFFER:
            data = re.sub(pattern, instead, data, flags=re.M)
        found.append((MAILDIR.sub(r"\1*\2", name), data))
    return found


def new_home(folder: Path, name: str) -> Path:
    home = folder / name
    home.mkdir()
    return home


def is_the_same(done: Ended) -> bool:
    """``replay client`` has found no real difference, and names those that had to be."""
    told = json.loads(done.output)
    assert all(one["why"] for one in told["differences"] if not one["real"])
    return done.code == 0 and told["same"] is True and not told["failures"] and told["commands"] > 0


def names(value: object) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("protocol", "reader", "tls"), READERS, ids=names)
def test_reading(scene: Scene, tmp_path: Path, protocol: Protocol, reader: programs.Reader, tls: Tls) -> None:
    account, count = scene.dovecot.newcomer(STORED), len(STORED)
    direct, live, again = (new_home(tmp_path, name) for name in ("direct", "live", "again"))

    reader(direct, scene.direct(protocol, tls), account, count)
    there, capture = recorded(
        scene.proxy, protocol, lambda: reader(live, scene.proxied(protocol, tls), account, count)
    )
    with replay_server(tmp_path, capture, tls) as door:
        here = reader(again, door, account, count)

    assert [body(message) for message in there] == [body(message) for message in STORED]
    assert files(live) == files(direct)
    assert files(again) == files(live)
    if reader is not programs.fetchmail:  # which adds the time
        assert here == there
    done = scene.say_again(capture, protocol, tls, account)
    assert is_the_same(done), done


@pytest.mark.parametrize(("sender", "tls"), SENDERS, ids=names)
def test_sending(scene: Scene, tmp_path: Path, sender: programs.Sender, tls: Tls) -> None:
    token = secrets.token_hex(8)
    live, again = (new_home(tmp_path, name) for name in ("live", "again"))

    _, capture = recorded(
        scene.proxy, "smtp", lambda: sender(live, scene.proxied("smtp", tls), ALICE, BOB, letter(token))
    )
    assert body(await_message(scene.dovecot.maildir(BOB), token)) == body(letter(token))
    with replay_server(tmp_path, capture, tls) as door:
        sender(again, door, ALICE, BOB, letter(token))
    assert files(again) == files(live)

    kept_back = scene.say_again(capture, "smtp", tls, ALICE)
    assert is_the_same(kept_back), kept_back
    assert len(delivered(scene, token)) == 1
    done = scene.say_again(capture, "smtp", tls, ALICE, "--allow-destructive")
    assert is_the_same(done), done
    twice = until(lambda: both(delivered(scene, token)), f"second message with {token}")
    assert [body(message) for message in twice] == [body(letter(token))] * 2


def both(found: list[bytes]) -> list[bytes] | None:
    return found if len(found) > 1 else None


def delivered(scene: Scene, token: str) -> list[bytes]:
    return [message for message in contents(scene.dovecot.maildir(BOB)) if token.encode() in message]


def test_a_program_that_was_refused_is_refused_again(scene: Scene, tmp_path: Path) -> None:
    live, again = (new_home(tmp_path, name) for name in ("live", "again"))
    nobody = Account("nobody", "")

    def send(home: Path, door: Door) -> str:
        with pytest.raises(AssertionError) as refusal:
            programs.swaks(home, door, ALICE, nobody, letter("refused"))
        return str(refusal.value)

    there, capture = recorded(scene.proxy, "smtp", lambda: send(live, scene.proxied("smtp", "implicit")))
    with replay_server(tmp_path, capture, "implicit") as door:
        here = send(again, door)
    for text in (there, here):
        assert text.startswith("swaks ended with 24:")
        assert "<~* 550 5.1.1 <nobody@example.test>: Recipient address rejected" in text
    done = scene.say_again(capture, "smtp", "implicit", ALICE, "--allow-destructive")
    assert is_the_same(done), done
