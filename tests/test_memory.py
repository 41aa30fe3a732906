"""A message of a gigabyte passes through, and the proxy stays as small as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.big_mail import CHUNK, PIECE, Wire, connected, imap_server, pop3_server, serving, smtp_server
from tests.proxy_process import Proxy, Way, mailproxy_running

GIGABYTE = 10**9 // CHUNK * CHUNK
SMALL = CHUNK
LIMIT = 8 * 1024 * 1024

Transfer = Callable[[Wire, int], None]


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Proxy]]:
    """One proxy, whose ways lead to servers with a small message and with a large one."""
    folder = tmp_path_factory.mktemp("memory")
    ca = folder / "unused.pem"
    ca.write_text("")
    with ExitStack() as stack:
        ways = []
        for octets in (SMALL, GIGABYTE):
            servers = {"pop3": pop3_server(octets), "imap": imap_server(octets), "smtp": smtp_server()}
            for protocol, serve in servers.items():
                port = stack.enter_context(serving(serve))
                ways.append(Way(f"{protocol}-{octets}", protocol, "implicit", "none", port, ca))  # type: ignore[arg-type]
        proxy = stack.enter_context(mailproxy_running(folder, ways))
        yield {SMALL: proxy, GIGABYTE: proxy}


def retr(wire: Wire, octets: int) -> None:
    wire.line()
    wire.send(b"RETR 1\r\n")
    assert wire.line() == b"+OK\r\n"
    assert wire.skip_to(b"\r\n.\r\n") == octets + 3


def fetch(wire: Wire, octets: int) -> None:
    wire.line()
    wire.send(b"a FETCH 1 BODY[]\r\n")
    assert wire.line() == b"* 1 FETCH (BODY[] {%d}\r\n" % octets
    wire.skip(octets)
    assert wire.line() == b")\r\n"
    assert wire.line() == b"a OK done\r\n"


def append(wire: Wire, octets: int) -> None:
    wire.line()
    wire.send(b"a APPEND INBOX {%d}\r\n" % octets)
    assert wire.line() == b"+ go on\r\n"
    wire.send_pieces(octets)
    wire.send(b"\r\n")
    assert wire.line() == b"a OK done\r\n"


def data(wire: Wire, octets: int) -> None:
    _begin(wire)
    wire.send(b"DATA\r\n")
    assert wire.line() == b"354 go on\r\n"
    wire.send_pieces(octets)
    wire.send(b".\r\n")
    assert wire.line() == b"250 taken\r\n"


def bdat(wire: Wire, octets: int) -> None:
    _begin(wire)
    for sent in range(0, octets, CHUNK):
        wire.send(b"BDAT %d%s\r\n" % (CHUNK, b" LAST" if sent + CHUNK >= octets else b""))
        for _ in range(CHUNK // len(PIECE)):
            wire.send(PIECE)
        assert wire.line() == b"250 ok\r\n"


def _begin(wire: Wire) -> None:
    wire.line()
    wire.send(b"EHLO client.example\r\n")
    assert [wire.line(), wire.line()][-1] == b"250 CHUNKING\r\n"
    for command in (b"MAIL FROM:<a@example.test>\r\n", b"RCPT TO:<b@example.test>\r\n"):
        wire.send(command)
        assert wire.line() == b"250 ok\r\n"


@pytest.mark.parametrize(
    ("protocol", "transfer"),
    [("pop3", retr), ("imap", fetch), ("imap", append), ("smtp", data), ("smtp", bdat)],
    ids=["RETR", "FETCH", "APPEND", "DATA", "BDAT"],
)
def test_a_gigabyte_takes_no_memory(proxies: dict[int, Proxy], protocol: str, transfer: Transfer) -> None:
    for octets, proxy in proxies.items():
        door = proxy.door(f"{protocol}-{octets}")
        assert door.ca is not None
        before = _memory(proxy.pid, "VmRSS")
        Path(f"/proc/{proxy.pid}/clear_refs").write_text("5")  # the peak is counted from here on
        with connected(door.port, door.ca) as wire:
            transfer(wire, octets)
    assert octets > 9 * 10**8
    assert _memory(proxy.pid, "VmHWM") - before < LIMIT


def _memory(pid: int, field: str) -> int:
    """Octets, of ``VmRSS`` (now) or ``VmHWM`` (at most)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise AssertionError(f"the kernel does not tell {field}")
