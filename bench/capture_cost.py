"""What it costs to record sessions: the proxy's processor time for a gigabyte, with captures and without.

Run it with ``python bench/capture_cost.py`` as root; it starts Dovecot and two mailproxies on
loopback, and ends them. Both fetch the same messages in turn, in one run, with TLS on both
legs: the ratio is what counts. The captures are written into a temporary folder, so set TMPDIR
to a disk, if /tmp is memory.
"""

from __future__ import annotations

import os
import poplib
import ssl
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.servers.dovecot import dovecot_running
from tests.servers.endpoints import Account

OCTETS, TIMES, ROUNDS = 8 * 1024 * 1024, 24, 7
CAPTURES = "[capture]\nall = true\ncompress = false\ntotal_octets = 3_000_000_000\n"
WAYS = {"off": "", "whole messages": CAPTURES, "64 KiB of each": CAPTURES + "message_octets = 65536\n"}


def main() -> None:
    line = b"An ordinary line of text, as long as such lines are in a message.....\r\n"
    message = b"Subject: large\r\n\r\n" + line * (OCTETS // len(line))
    with (
        TemporaryDirectory(prefix="mailproxy-bench-") as name,
        dovecot_running() as dovecot,
        ExitStack() as stack,
    ):
        account = dovecot.newcomer([message])
        way = Way("bulk", "pop3", "implicit", "implicit", dovecot.pop3.secure, dovecot.authority.ca)
        proxies = {}
        for label, more in WAYS.items():
            folder = Path(name) / label.replace(" ", "-")
            folder.mkdir()
            proxies[label] = stack.enter_context(mailproxy_running(folder, [way], more=more))
        costs: dict[str, list[float]] = {label: [] for label in WAYS}
        for number in range(ROUNDS + 1):
            for label, proxy in proxies.items():
                cost = _cost(proxy, account, len(message))
                if number:  # the first round warms up
                    costs[label].append(cost)
    base = median(costs["off"])
    print(f"{'captures':<16}{'CPU s/GB':>10}{'lowest':>9}{'highest':>9}{'ratio':>8}")
    for label, taken in costs.items():
        cost = median(taken)
        print(f"{label:<16}{cost:>10.2f}{min(taken):>9.2f}{max(taken):>9.2f}{cost / base:>8.2f}")


def _cost(proxy: Proxy, account: Account, octets: int) -> float:
    """Seconds of processor time for each gigabyte that a client fetches."""
    door = proxy.door("bulk")
    context = ssl.create_default_context(cafile=str(door.ca))
    session = poplib.POP3_SSL("localhost", door.port, context=context, timeout=120)
    session.user(account.user)
    session.pass_(account.password)
    before = _processor_seconds(proxy.pid)
    for _ in range(TIMES):
        _fetch(session, octets)
    spent = _processor_seconds(proxy.pid) - before
    session.quit()
    return spent / (TIMES * octets / 1e9)


def _fetch(session: poplib.POP3, octets: int) -> None:
    """RETR without poplib's lines: what is measured is not the client."""
    session.sock.sendall(b"RETR 1\r\n")
    read, tail = 0, b""
    while not tail.endswith(b"\r\n.\r\n"):
        data = session.sock.recv(1 << 18)
        assert data, "the connection was closed"
        read += len(data)
        tail = (tail + data)[-5:]
    assert read > octets


def _processor_seconds(pid: int) -> float:
    """Of all threads of a process, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
