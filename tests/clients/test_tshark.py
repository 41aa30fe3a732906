"""Debian's tshark opens what the proxy has recorded of real sessions, and reads in it what was said.

tshark 4.0 itself gives some messages otherwise than they were, from any capture; each such case is
a row of its own here:

* it leaves the dots of POP3 and SMTP doubled (RFC 1939 §3, RFC 5321 §4.5.2);
* a POP3 message ends for it in front of the dot, which becomes an object of its own;
* of an SMTP message without a body, it takes the blank line for the beginning of the end mark;
* it takes the client's lines of AUTH CRAM-MD5 for the beginning of the first message.
"""

from __future__ import annotations

import gzip
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.capture.tshark import fields, messages, warnings
from tests.clients.captured import ALL, BOTH_LEGS_WHOLE, EACH_SESSION, recorded
from tests.clients.standard_library import imap_client, pop3_client, smtp_client
from tests.proxy_process import PROJECT, Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE, DOMAIN, PROTOCOLS, TLS_KINDS, Door, Protocol, Tls
from tests.servers.messages import on_the_wire, sample_messages
from tests.servers.postfix import Postfix
from tests.waiting import until

ORIGINALS = {name: on_the_wire(message) for name, message in sample_messages().items()}
DOT = b".\r\n"
REQUESTS = {"pop3": "pop.request.command", "imap": "imap.request.command", "smtp": "smtp.req.command"}
REPLIES = {"pop3": "pop.response.indicator", "imap": "imap.response.status", "smtp": "smtp.response.code"}
# It says so of every AUTH PLAIN unless a preference is set, whether it can be decoded or not.
NO_DECODING = "base64 decode failed or is not enabled (check SMTP preferences)"


def stuffed(message: bytes) -> bytes:
    return re.sub(rb"^\.", b"..", message, flags=re.M)


@pytest.fixture(scope="module")
def recording(
    dovecot: Dovecot, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """A proxy with every kind of TLS on both of its sides; the rules keep, and block what is no mail."""
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}
    upstream: dict[Tls, Tls] = {"none": "implicit", "starttls": "none", "implicit": "starttls"}
    ways = [
        Way(f"{name}-{tls}", name, tls, upstream[tls], ports[name].of(upstream[tls]), dovecot.authority.ca)
        for name, tls in product(PROTOCOLS, TLS_KINDS)
    ]
    folder = tmp_path_factory.mktemp("tshark")
    rules = [PROJECT / "rules/pop3-keep.toml", blocking(folder)]
    with mailproxy_running(folder, ways, rules, more=EACH_SESSION + BOTH_LEGS_WHOLE) as running:
        yield running


def blocking(folder: Path) -> Path:
    """Rules that block what is no mail."""
    file = folder / "block.toml"
    file.write_text(
        '[[rule]]\nname = "no-vrfy"\nwhy = "Nobody asks for this."\non = ["smtp VRFY", "imap NAMESPACE"]\n'
        'do = "block"\n'
    )
    return file


def read_by_pop3(door: Door, dovecot: Dovecot) -> None:
    """Everything is fetched; one message is deleted, which the rules keep."""
    account = dovecot.newcomer(sample_messages().values())
    client = pop3_client(door)
    client.user(account.user)
    client.pass_(account.password)
    client.stat()
    client.uidl()
    client.list()
    client.top(2, 0)
    for number in range(1, len(ORIGINALS) + 1):
        client.retr(number)
    client.dele(1)
    client.quit()


def read_by_imap(door: Door, dovecot: Dovecot) -> None:
    """Everything is fetched, one by one and at once; the rules block a question."""
    account = dovecot.newcomer(sample_messages().values())
    with imap_client(door) as client:
        client.login(account.user, account.password)
        client.select("INBOX")
        assert client.namespace()[0] == "NO"
        client.fetch("1", "(FLAGS BODY.PEEK[])")
        client.fetch("2:*", "(UID BODY.PEEK[])")
        client.store("1:3", "+FLAGS", r"(\Seen)")
        client.search(None, "UNSEEN")


def sent_by_smtp(door: Door, dovecot: Dovecot) -> None:
    """Everything is sent; the rules block a question."""
    with smtp_client(door) as client:
        client.ehlo()
        client.user, client.password = ALICE.user, ALICE.password
        client.auth("PLAIN", client.auth_plain)
        assert client.verify("bob")[0] >= 500
        for message in ORIGINALS.values():
            client.sendmail(f"alice@{DOMAIN}", [f"bob@{DOMAIN}"], message)


SESSIONS: dict[Protocol, Callable[[Door, Dovecot], None]] = {
    "pop3": read_by_pop3,
    "imap": read_by_imap,
    "smtp": sent_by_smtp,
}


def exported(protocol: Protocol) -> list[bytes]:
    """What tshark makes of the messages on one leg."""
    originals = list(ORIGINALS.values())
    if protocol == "imap":
        return originals
    if protocol == "pop3":
        top = ORIGINALS["dots"].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return [*map(stuffed, originals), top, *[DOT] * (len(originals) + 1)]
    empty = ORIGINALS["empty"]
    return [stuffed(message) if message != empty else message.removesuffix(b"\r\n") for message in originals]


@pytest.mark.parametrize("tls", TLS_KINDS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_whole_session(
    recording: Proxy, dovecot: Dovecot, tmp_path: Path, protocol: Protocol, tls: Tls
) -> None:
    door = recording.door(f"{protocol}-{tls}")
    _, packed = recorded(recording, protocol, lambda: SESSIONS[protocol](door, dovecot))
    plain = tmp_path / "plain.pcapng"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    small = tmp_path / "small.pcapng.gz"
    small.write_bytes(packed.read_bytes())

    for capture in (plain, small):
        assert complaints_about(capture) == []
        assert (NO_DECODING in warnings(capture)) is (protocol == "smtp")
    assert sorted(messages(plain)) == sorted(exported(protocol) * 2)
    session = packed.name.split("-")[-1].removesuffix(".pcapng.gz")
    recording.await_event("session.end", session=session)  # the log may be behind the capture
    commands = [event for event in recording.events() if is_command(event, session)]
    verbs, replies = dissected(plain, protocol, leg="0")
    assert verbs == [event["verb"] for event in commands if event["verdict"] != "own"]
    answers = [event["status"] for event in commands if event["verdict"] != "own"]
    assert len(replies) == len(answers) > 8
    told = [(reply, answer) for reply, answer in zip(replies, answers, strict=True) if answer != "local"]
    assert [reply for reply, _ in told] == [answer for _, answer in told]
    forwarded = Counter(event["verb"] for event in commands if event["verdict"] in ("forward", "own"))
    assert forwarded <= Counter(dissected(plain, protocol, leg="1")[0])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_by_default_a_large_message_is_whole_on_one_leg(
    dovecot: Dovecot, postfix: Postfix, tmp_path: Path, protocol: Protocol
) -> None:
    """On the server's leg, packets without octets stand for what is left out, and tshark misses nothing."""
    server = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}[protocol]
    way = Way("door", protocol, "implicit", "implicit", server.secure, dovecot.authority.ca)
    folder = tmp_path / "proxy"
    folder.mkdir()
    with mailproxy_running(folder, [way], [blocking(folder)], more=EACH_SESSION) as running:
        door = running.door("door")
        _, capture = recorded(running, protocol, lambda: SESSIONS[protocol](door, dovecot))
    assert complaints_about(capture) == []
    rows = fields(capture, "frame.interface_id", "frame.cap_len", "frame.len")
    left_out = {row[0]: int(row[2]) - int(row[1]) for row in rows if row[1] != row[2]}
    assert left_out["1"] > 0
    assert set(left_out) == {"1"}
    found = messages(capture)
    large = ORIGINALS["large"] if protocol == "imap" else stuffed(ORIGINALS["large"])
    assert found.count(large) == 1


def complaints_about(capture: Path) -> list[str]:
    """What tshark's experts complain of, but for the decoding that is switched off."""
    lines = [line for line in warnings(capture).splitlines() if "  " in line and " Group " not in line]
    return [line for line in lines if NO_DECODING not in line]


def is_command(event: dict[str, Any], session: str) -> bool:
    """Is it a command of the session that must be among the packets? STARTTLS is a comment on one."""
    ours = event["event"] == "command" and event["session"] == session
    return ours and event["verb"] not in ("STLS", "STARTTLS")


def dissected(capture: Path, protocol: Protocol, leg: str) -> tuple[list[str], list[str]]:
    """The verbs of that interface in capitals, and how each command was answered in the end."""
    rows = fields(capture, "frame.interface_id", REQUESTS[protocol], REPLIES[protocol])
    on_leg = [row for row in rows if row[0] == leg]
    verbs = [verb.upper() for row in on_leg for verb in row[1].split(",") if verb]
    replies = [reply.lstrip("+-") for row in on_leg for reply in row[2].split(",") if reply]
    if protocol != "imap":
        replies = replies[1:]  # behind the greeting, which has no status in IMAP
    return verbs, [reply for reply in replies if reply != "354"]


# ---- kill -9


@pytest.fixture
def killed(dovecot: Dovecot, tmp_path: Path) -> Iterator[tuple[Proxy, Path]]:
    """A proxy that will be killed, and the folder of its captures."""
    folder = tmp_path / "killed"
    folder.mkdir()
    way = Way("pop3", "pop3", "implicit", "implicit", dovecot.pop3.secure, dovecot.authority.ca)
    with mailproxy_running(folder, [way], more=ALL + BOTH_LEGS_WHOLE, code=-signal.SIGKILL) as running:
        yield running, folder / "state/captures"


def the_only(folder: Path, pattern: str) -> Path | None:
    found = list(folder.glob(pattern))
    assert len(found) < 2, found
    return found[0] if found else None


def kill(proxy: Proxy) -> None:
    proxy.process.kill()
    proxy.process.wait()


def test_killed_in_the_middle_of_a_session(killed: tuple[Proxy, Path], dovecot: Dovecot) -> None:
    proxy, folder = killed
    account = dovecot.newcomer([sample_messages()["plain"]])
    client = pop3_client(proxy.door("pop3"))
    client.user(account.user)
    client.pass_(account.password)
    client.retr(1)
    capture = until(lambda: the_only(folder, "*.pcapng"), "a capture")
    until(lambda: capture.read_bytes().count(ORIGINALS["plain"]) == 2, "both legs of the message in it")
    kill(proxy)
    client.close()

    assert warnings(capture) == ""
    assert dissected(capture, "pop3", leg="0") == (["USER", "PASS", "RETR"], ["OK"] * 3)
    assert sorted(messages(capture)) == sorted([ORIGINALS["plain"], DOT] * 2)


def test_killed_in_the_middle_of_a_transfer(
    killed: tuple[Proxy, Path], dovecot: Dovecot, tmp_path: Path
) -> None:
    """If the last packet is cut, the next start of the proxy repairs that."""
    proxy, folder = killed
    line = "x" * 70 + "\n"
    account = dovecot.newcomer([b"Subject: huge\n\n" + (line * 700_000).encode()])
    client = pop3_client(proxy.door("pop3"))
    client.user(account.user)
    client.pass_(account.password)
    client._putcmd("RETR 1")  # type: ignore[attr-defined]  # without reading it to its end
    assert client._getresp().startswith(b"+OK")  # type: ignore[attr-defined]
    reader = threading.Thread(target=read_to_the_end, args=[client.sock])
    reader.start()
    capture = until(lambda: the_only(folder, "*.pcapng"), "a capture")
    until(lambda: capture.stat().st_size > 4_000_000, "four million octets in it")
    kill(proxy)
    reader.join()
    client.close()
    octets = capture.stat().st_size
    assert octets < 2 * 71 * 700_000, "it was over before it was killed"

    way = Way("pop3", "pop3", "implicit", "implicit", dovecot.pop3.secure, dovecot.authority.ca)
    with mailproxy_running(folder.parents[1], [way], more=ALL, log_file="second.log") as again:
        second = pop3_client(again.door("pop3"))
        second.quit()
        repaired = until(lambda: the_only(folder, capture.name + ".gz"), "the finished capture")
    assert warnings(repaired) == ""
    assert dissected(repaired, "pop3", leg="0") == (["USER", "PASS", "RETR"], ["OK"] * 3)
    assert 0 <= octets - len(gzip.decompress(repaired.read_bytes())) < 70_000


def read_to_the_end(sock: socket.socket) -> None:
    with suppress(OSError):  # the proxy is killed
        while sock.recv(65536):
            pass
