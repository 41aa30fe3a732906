"""The three mail programs against the embedded servers, and against servers that refuse."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from mailproxy.demo.mailbox import SEEN, Account
from mailproxy.demo.programs import (
    Endpoint,
    Refused,
    download_and_delete,
    look,
    read_all,
    readable,
    submit,
)
from mailproxy.demo.world import HOST, Ports
from tests.demo.messages import DOTS, PLAIN

USER, PASSWORD = "user@example.com", "pa ss"


class Shown:
    """Keeps what a program shows."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def __call__(self, who: str, text: str) -> None:
        self.lines.append(f"{who}: {text}")


@pytest.fixture
def shown() -> Shown:
    return Shown()


async def test_downloading_and_deleting(ports: Ports, account: Account, shown: Shown) -> None:
    found = await download_and_delete(Endpoint(HOST, ports.pop3), USER, PASSWORD, shown)
    assert found.messages == [DOTS, PLAIN]
    assert (found.asked, found.accepted) == (2, 2)
    assert list(account.inbox.messages) == []
    assert "C: PASS ***" in shown.lines
    assert "S: … (the message “dots”)" in shown.lines


async def test_looking_changes_nothing(ports: Ports, account: Account, shown: Shown) -> None:
    assert await look(Endpoint(HOST, ports.pop3), USER, PASSWORD, shown) == 2
    assert [message.octets for message in account.inbox.messages] == [DOTS, PLAIN]
    assert "C: PASS ***" in shown.lines
    assert not any(line.startswith(("C: RETR", "C: DELE")) for line in shown.lines)


async def test_reading_changes_nothing(ports: Ports, account: Account, shown: Shown) -> None:
    assert await read_all(Endpoint(HOST, ports.imap), USER, PASSWORD, shown) == [DOTS, PLAIN]
    assert not any(SEEN in message.flags for message in account.inbox.messages)
    assert f'C: a1 LOGIN "{USER}" ***' in shown.lines


async def test_a_refused_deletion_is_no_reason_to_stop(shown: Shown, nursery: trio.Nursery) -> None:
    where = await serving([b"+OK"] * 3 + [b"+OK 1 5", b"+OK\r\nx\r\n.", b"-ERR no", b"+OK"], nursery)
    found = await download_and_delete(where, USER, PASSWORD, shown)
    assert (found.messages, found.asked, found.accepted) == ([b"x\r\n"], 1, 0)
    nursery.cancel_scope.cancel()


async def test_sending(ports: Ports, account: Account, shown: Shown) -> None:
    note = b"no header\r\n.\r\n..\r\n"
    await submit(Endpoint(HOST, ports.smtp), USER, PASSWORD, [USER], note, shown)
    assert account.inbox.messages[-1].octets.endswith(note)
    assert "C: AUTH PLAIN ***" in shown.lines
    assert f"C: … ({len(note)} octets)" in shown.lines


@pytest.mark.parametrize("program", ["pop3", "look", "imap", "smtp"])
async def test_no_program_shows_the_password(program: str, ports: Ports, shown: Shown) -> None:
    where = Endpoint(HOST, getattr(ports, "pop3" if program == "look" else program))
    await RUN[program](where, USER, PASSWORD, shown)
    assert PASSWORD not in "\n".join(shown.lines)
    with pytest.raises(Refused):
        await RUN[program](where, USER, "opensesame", shown)
    assert "opensesame" not in "\n".join(shown.lines)


async def serving(answers: list[bytes], nursery: trio.Nursery) -> Endpoint:
    """A server that says these lines, whatever it is asked."""

    async def server(stream: trio.abc.Stream) -> None:
        for answer in answers:
            await stream.send_all(answer + b"\r\n")
        await stream.send_eof()
        async for _ in stream:
            pass

    (listener,) = await nursery.start(partial(trio.serve_tcp, server, 0, host=HOST))
    return Endpoint(HOST, listener.socket.getsockname()[1])


async def _submit(where: Endpoint, user: str, password: str, shown: Shown) -> None:
    await submit(where, user, password, [user], PLAIN, shown)


RUN: dict[str, Callable[..., Awaitable[Any]]] = {
    "pop3": download_and_delete,
    "look": look,
    "imap": read_all,
    "smtp": _submit,
}

CONVERSATIONS = {
    "pop3": [b"+OK", b"+OK", b"+OK", b"+OK 1 5", b"+OK\r\n.\r\n+OK", b"+OK"],
    "look": [b"+OK", b"+OK", b"+OK", b"+OK 1 5", b"+OK"],
    "imap": [b"* OK", b"a1 OK", b"a2 OK", b"a3 OK", b"a4 OK"],
    "smtp": [b"220 x", b"250-a\r\n250 x", b"235 x", b"250 x", b"250 x", b"354 x", b"250 x", b"221 x"],
}
REFUSAL = {
    "pop3": b"-ERR \x1bno",
    "look": b"-ERR \x1bno",
    "imap": b"* BYE \x1bno\r\na1 NO \x1bno\r\na2 NO\r\na3 NO\r\na4 NO",
    "smtp": b"554 \x1bno",
}


@pytest.mark.parametrize(
    ("program", "at"), [(program, at) for program, said in CONVERSATIONS.items() for at in range(len(said))]
)
async def test_each_refusal_ends_the_program(
    program: str, at: int, shown: Shown, nursery: trio.Nursery
) -> None:
    where = await serving([*CONVERSATIONS[program][:at], REFUSAL[program]], nursery)
    with pytest.raises(Refused, match="expected") as caught:
        await RUN[program](where, USER, PASSWORD, shown)
    assert str(caught.value).isprintable()
    nursery.cancel_scope.cancel()


async def test_a_program_over_tls_checks_the_certificate(tmp_path: Path, nursery: trio.Nursery) -> None:
    good, other = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    good.issue_cert("localhost").configure_cert(context)
    for name, authority in (("good", good), ("other", other)):
        authority.cert_pem.write_to_path(tmp_path / name)

    async def server(tcp: trio.abc.Stream) -> None:
        stream = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
        try:
            await stream.send_all(b"hello")
        except trio.BrokenResourceError:
            await trio.aclose_forcefully(tcp)

    (listener,) = await nursery.start(partial(trio.serve_tcp, server, 0, host=HOST))
    port = listener.socket.getsockname()[1]
    stream = await Endpoint(HOST, port, tmp_path / "good").connect()
    assert await stream.receive_some(5) == b"hello"
    await trio.aclose_forcefully(stream)
    with pytest.raises(trio.BrokenResourceError):
        await Endpoint(HOST, port, tmp_path / "other").connect()
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("line", "text"),
    [(b"plain", "plain"), (b"\x1b[2J\r", "\\x1b[2J\\x0d"), ("ü".encode(), "ü"), (b"\xff", "\\xff")],
)
def test_lines_cannot_command_a_terminal(line: bytes, text: str) -> None:
    assert readable(line) == text
