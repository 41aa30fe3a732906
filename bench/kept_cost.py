"""What kept mail costs when a POP3 session opens: a mailbox of 50,000 messages, 10,000 of them kept.

Run it with ``python bench/kept_cost.py`` as root; it starts Dovecot and two mailproxies on
loopback, and ends them. All are asked in turn, in one run: the ratios are what counts.

``open`` is from the connection to the end of the answers to STAT, UIDL and LIST, as mail programs
begin; ``STAT`` is to the answer to STAT alone. ``no guard`` is a small mailbox, its session whole:
through a proxy without any rule, and through one whose rules guard another user.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from mailproxy.guards.memory import Mark, ViewKey
from mailproxy.store.store import Store
from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot, dovecot_running
from tests.servers.endpoints import Account

MESSAGES, KEPT, ROUNDS, SMALL_ROUNDS = 50_000, 10_000, 15, 200
BODY = b"Subject: %d\r\n\r\nA short message.\r\n"
RULE = """
[[rule]]
name = "keep"
on = ["pop3 DELE"]
when = 'user == "{user}"'
do = "keep"
"""


def main() -> None:
    with TemporaryDirectory(prefix="mailproxy-bench-") as name, dovecot_running() as dovecot:
        big = dovecot.newcomer(BODY % number for number in range(MESSAGES))
        small = dovecot.newcomer([BODY % 1])
        rule = Path(name) / "keep.toml"
        rule.write_text(RULE.format(user=big.user))
        ways = [Way("direct", "pop3", "none", "none", dovecot.pop3.open, dovecot.authority.ca)]
        folders = [Path(name) / each for each in ("guarded", "bare")]
        for folder in folders:
            folder.mkdir()
        with (
            mailproxy_running(folders[0], ways, [rule]) as guarded,
            mailproxy_running(folders[1], ways) as bare,
        ):
            uidls = _warm_up(dovecot, big)
            _keep(guarded, big, uidls[:KEPT])
            _report(dovecot, guarded, bare, big, small)


def _report(dovecot: Dovecot, guarded: Proxy, bare: Proxy, big: Account, small: Account) -> None:
    direct, through, past = dovecot.pop3.open, guarded.door("direct").port, bare.door("direct").port
    print(f"{'':<12}{'direct':>12}{'proxy':>12}{'ratio':>8}")
    for label, commands in (("open", (b"STAT", b"UIDL", b"LIST")), ("STAT", (b"STAT",))):
        works = [partial(_session, port, big, commands) for port in (direct, through)]
        one, other = _in_turn(ROUNDS, *works)
        print(f"{label:<12}{one * 1e3:>9.0f} ms{other * 1e3:>9.0f} ms{other / one:>8.2f}")
    commands = (b"STAT", b"RETR 1", b"DELE 1", b"RSET", b"QUIT")
    works = [partial(_session, port, small, commands) for port in (past, through)]
    one, other = _in_turn(SMALL_ROUNDS, *works)
    print(f"{'':<12}{'no rule':>12}{'other user':>12}")
    print(f"{'no guard':<12}{one * 1e3:>9.2f} ms{other * 1e3:>9.2f} ms{other / one:>8.2f}")


def _warm_up(dovecot: Dovecot, account: Account) -> list[bytes]:
    """Dovecot reads every message once, and remembers its size. Returns the UIDLs."""
    session = _Session(dovecot.pop3.open, account)
    return [line.split()[1] for line in session.ask(b"UIDL").splitlines()[1:-1]]


def _keep(proxy: Proxy, account: Account, uidls: list[bytes]) -> None:
    session = _Session(proxy.door("direct").port, account)
    octets = [int(line.split()[1]) for line in session.ask(b"LIST").splitlines()[1:-1]]
    session.ask(b"QUIT")
    store = Store(f"sqlite:///{proxy.config.parent / 'state' / 'mailproxy.db'}")
    marks = [Mark(uidl, size) for uidl, size in zip(uidls, octets, strict=False)]
    store.kept.keep(ViewKey("direct", account.user), marks, "keep", time.time())
    store.close()
    visible = int(_Session(proxy.door("direct").port, account).ask(b"STAT").split()[1])
    assert visible == MESSAGES - KEPT, f"{visible} messages are visible"


def _in_turn(rounds: int, *works: Callable[[], None]) -> list[float]:
    """The median time of each, in seconds."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [median(taken) for taken in times]


def _session(port: int, account: Account, commands: tuple[bytes, ...]) -> None:
    session = _Session(port, account)
    for command in commands:
        session.ask(command)
    session.close()


class _Session:
    """As lean as can be, since what is measured is not the client."""

    def __init__(self, port: int, account: Account) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reply(b"\r\n")
        self.ask(f"USER {account.user}".encode())
        self.ask(f"PASS {account.password}".encode())

    def ask(self, command: bytes) -> bytes:
        self._socket.sendall(command + b"\r\n")
        return self._reply(b"\r\n.\r\n" if command[:4] in (b"UIDL", b"LIST", b"RETR") else b"\r\n")

    def _reply(self, end: bytes) -> bytes:
        pieces = [self._socket.recv(1 << 18)]
        tail = pieces[0][-5:]
        while not tail.endswith(end):
            pieces.append(self._socket.recv(1 << 18))
            assert pieces[-1], "the server closed the connection"
            tail = (tail + pieces[-1])[-5:]
        return b"".join(pieces)

    def close(self) -> None:
        self._socket.close()


if __name__ == "__main__":
    main()
