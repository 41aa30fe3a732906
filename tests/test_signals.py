"""What a running proxy does when it is told to reload, to rotate its log, and to stop."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.proxy_process import Proxy, Way, mailproxy_running, read_events
from tests.scripted_server import scripted, talk
from tests.servers.authority import make_authority
from tests.servers.ports import LOOPBACK
from tests.waiting import until

RULE = """\
[[rule]]
name = "{name}"
why = "Nobody asks for this here."
on = ["pop3 {verb}"]
do = "block"
"""


@contextmanager
def running(
    folder: Path, *, more: str = "", log_file: str = "mailproxy.log", code: int = 0
) -> Iterator[Proxy]:
    """A proxy whose rules lie in ``folder``, in front of a server that says yes to all."""
    yes = lambda said: b"+OK yes\r\n" * said.count(b"\n")  # noqa: E731
    ca = make_authority(folder).ca
    with scripted(b"+OK ready\r\n", *[yes] * 20) as server:
        ways = [
            Way("clear", "pop3", "none", "none", server.port, ca),
            Way("tls", "pop3", "implicit", "none", server.port, ca),
        ]
        with mailproxy_running(
            folder, ways, ["rules/*.toml"], more=more, log_file=log_file, ca=ca, code=code
        ) as proxy:
            yield proxy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/first.toml").write_text(RULE.format(name="first", verb="CAPA"))
    return tmp_path


class Client:
    """A POP3 client in the middle of its session."""

    def __init__(self, proxy: Proxy) -> None:
        self.sock = socket.create_connection((LOOPBACK, proxy.door("clear").port), 30)
        assert self.sock.recv(1000) == b"+OK ready\r\n"

    def asks(self, command: bytes) -> bytes:
        self.sock.sendall(command + b"\r\n")
        return self.sock.recv(1000)


@contextmanager
def client(proxy: Proxy) -> Iterator[Client]:
    one = Client(proxy)
    with one.sock:
        yield one


def refused(answer: bytes, rule: str) -> bool:
    return answer.startswith(b"-ERR") and rule.encode() in answer


def reload(proxy: Proxy, event: str) -> dict[str, object]:
    """SIGHUP, and what came of it."""
    before = len([one for one in proxy.events() if one["event"] == event])
    proxy.process.send_signal(signal.SIGHUP)
    until(lambda: len([one for one in proxy.events() if one["event"] == event]) > before, event)
    return [one for one in proxy.events() if one["event"] == event][-1]


def test_rules_are_reloaded(folder: Path) -> None:
    with running(folder) as proxy, client(proxy) as old:
        assert refused(old.asks(b"CAPA"), "first")
        assert old.asks(b"USER alice") == b"+OK yes\r\n"

        (folder / "rules/second.toml").write_text(RULE.format(name="second", verb="USER"))
        reload(proxy, "reloaded")
        with client(proxy) as new:
            assert refused(new.asks(b"USER alice"), "second")
        assert old.asks(b"USER alice") == b"+OK yes\r\n"

        (folder / "rules/third.toml").write_text("[[rule]]\nname = 3\n")
        failed = reload(proxy, "reload_failed")
        assert f"{folder}/rules/third.toml:2" in str(failed["cause"])
        assert failed["level"] == "error"
        assert failed["hint"] == "the old rules and certificates stay in force"
        with client(proxy) as new:
            assert refused(new.asks(b"USER alice"), "second")

        for name in ("first", "second", "third"):
            (folder / f"rules/{name}.toml").unlink()
        (folder / "rules/fourth.toml").write_text(RULE.format(name="fourth", verb="LIST"))
        reload(proxy, "reloaded")
        with client(proxy) as new:
            assert new.asks(b"USER alice") == b"+OK yes\r\n"


def test_certificates_are_reloaded(folder: Path) -> None:
    authority = trustme.CA()
    chain, key = folder / "own-chain.pem", folder / "own-key.pem"
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)

    def renew() -> None:
        leaf = authority.issue_cert(LOOPBACK)
        chain.write_bytes(b"".join(block.bytes() for block in leaf.cert_chain_pems))
        key.touch(mode=0o600)
        key.write_bytes(leaf.private_key_pem.bytes())

    def served() -> bytes | None:
        with (
            socket.create_connection((LOOPBACK, proxy.door("tls").port), 30) as sock,
            trust.wrap_socket(sock, server_hostname=LOOPBACK) as tls,
        ):
            assert tls.recv(100) == b"+OK ready\r\n"
            return tls.getpeercert(binary_form=True)

    renew()
    with running(folder, more='\n[tls]\ncertificate = "own-chain.pem"\nkey = "own-key.pem"\n') as proxy:
        first = served()
        chain.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        failed = reload(proxy, "reload_failed")
        assert str(chain) in str(failed["cause"])
        assert served() == first
        renew()
        reload(proxy, "reloaded")
        assert served() != first


def test_the_log_is_rotated(folder: Path) -> None:
    with running(folder) as proxy:
        old = proxy.log.rename(folder / "mailproxy.log.1")
        proxy.process.send_signal(signal.SIGHUP)
        until(lambda: [event for event in proxy.events() if event["event"] == "reloaded"], "a new log")
        size = old.stat().st_size
        talk(proxy.door("clear").port, b"QUIT\r\n")
        proxy.await_event("session.end")
        assert old.stat().st_size == size
        assert [event["event"] for event in read_events(old)].count("listening") == 2


def test_sigterm_lets_sessions_finish(folder: Path) -> None:
    with running(folder) as proxy, client(proxy) as old:
        proxy.process.send_signal(signal.SIGTERM)
        proxy.await_event("stopping", sessions=1)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((LOOPBACK, proxy.door("clear").port), 30)
        assert old.asks(b"USER alice") == b"+OK yes\r\n"
        assert proxy.process.poll() is None
        old.sock.close()
        assert proxy.process.wait(30) == 0
        assert proxy.events()[-1]["event"] == "stopped"


def test_sigterm_ends_who_stays(folder: Path) -> None:
    with running(folder, more="\n[limits]\ndrain_seconds = 0\n") as proxy, client(proxy) as old:
        proxy.process.send_signal(signal.SIGTERM)
        assert old.sock.recv(1000) == b"-ERR [SYS/TEMP] The proxy is shutting down\r\n"
        assert old.sock.recv(1000) == b""
        old.sock.close()
        assert proxy.process.wait(30) == 0


def test_the_second_sigterm_ends_at_once(folder: Path) -> None:
    with running(folder, code=1) as proxy, client(proxy) as old:
        proxy.process.send_signal(signal.SIGTERM)
        proxy.await_event("stopping", sessions=1)
        assert old.asks(b"USER alice") == b"+OK yes\r\n"
        proxy.process.send_signal(signal.SIGTERM)
        assert proxy.process.wait(10) == 1
        assert old.sock.recv(1000) == b""
        assert proxy.events()[-1]["event"] == "stopped"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_log_on_a_full_disk_does_not_stop_mail(folder: Path) -> None:
    with running(folder, log_file="/dev/full") as proxy:
        for _ in range(3):
            assert talk(proxy.door("clear").port, b"QUIT\r\n") == b"+OK ready\r\n+OK yes\r\n"
            proxy.process.send_signal(signal.SIGHUP)  # writes the log at once
        until(lambda: proxy.output.read_bytes(), "a word on standard error")
    said = "mailproxy: cannot write the log /dev/full: No space left on device; mail goes on without\n"
    assert proxy.output.read_text() == said
