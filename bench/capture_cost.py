"""What it costs to record sessions: the proxy's processor time for a gigabyte, with captures and without.

Run it with ``python bench/capture_cost.py``; it starts a small POP3 server and four mailproxies on
loopback, and ends them. All fetch the same message in turn, in one run, with TLS on both legs:
the ratio is what counts. The captures are written into a temporary folder, so set TMPDIR to a
disk, if /tmp is memory.
"""

from __future__ import annotations

import os
import poplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.servers.authority import Authority, make_authority

OCTETS, TIMES, ROUNDS = 8 * 1024 * 1024, 24, 7
CAPTURES = "[capture]\nall = true\ncompress = false\n"
TWICE = CAPTURES + "server_message_octets = 1_000_000_000\n"
KINDS = {
    "off": "",
    "on": CAPTURES,
    "whole on both": TWICE,
    "64 KiB of each": CAPTURES + "message_octets = 65536\n",
}


def main() -> None:
    with TemporaryDirectory(prefix="mailproxy-bench-") as name, ExitStack() as stack:
        authority = make_authority(Path(name))
        port = stack.enter_context(server(authority))
        way = Way("bulk", "pop3", "implicit", "implicit", port, authority.ca)
        proxies = {}
        for label, more in KINDS.items():
            folder = Path(name) / label.replace(" ", "-")
            folder.mkdir()
            proxies[label] = stack.enter_context(mailproxy_running(folder, [way], more=more))
        costs: dict[str, list[float]] = {label: [] for label in KINDS}
        for number in range(ROUNDS + 1):
            for label, proxy in proxies.items():
                cost = seconds_for_a_gigabyte(proxy)
                if number:  # the first round warms up
                    costs[label].append(cost)
        report(costs)
        for label, proxy in proxies.items():
            lost = sum(event.get("octets", 0) for event in proxy.events() if event["event"] == "capture_lost")
            print(
                f"{label}: {lost} octets were lost, as the disk was slower than the mail" if lost else "",
                end="",
            )


def report(costs: dict[str, list[float]]) -> None:
    base = median(costs["off"])
    print(f"{'captures':<16}{'CPU s/GB':>10}{'lowest':>9}{'highest':>9}{'ratio':>8}")
    for label, taken in costs.items():
        cost = median(taken)
        print(f"{label:<16}{cost:>10.2f}{min(taken):>9.2f}{max(taken):>9.2f}{cost / base:>8.2f}")


@contextmanager
def server(authority: Authority) -> Iterator[int]:
    """The port of a server in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("bulk_server.py"))]
    command += [str(authority.chain), str(authority.key), str(OCTETS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def seconds_for_a_gigabyte(proxy: Proxy) -> float:
    """Seconds of the proxy's processor time for each gigabyte that a client fetches."""
    door = proxy.door("bulk")
    context = ssl.create_default_context(cafile=str(door.ca))
    session = poplib.POP3_SSL("localhost", door.port, context=context, timeout=120)
    session.user("alice")
    session.pass_("secret")
    before = processor_seconds(proxy.pid)
    octets = sum(fetch(session) for _ in range(TIMES))
    spent = processor_seconds(proxy.pid) - before
    session.quit()
    return spent / (octets / 1e9)


def fetch(session: poplib.POP3) -> int:
    """RETR without poplib's lines, since what is measured is not the client. Returns the octets."""
    session.sock.sendall(b"RETR 1\r\n")
    read, tail = 0, b""
    while not tail.endswith(b"\r\n.\r\n"):
        data = session.sock.recv(1 << 18)
        assert data, "the connection was closed"
        read += len(data)
        tail = (tail + data)[-5:]
    return read


def processor_seconds(pid: int) -> float:
    """Of all threads of a process, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
