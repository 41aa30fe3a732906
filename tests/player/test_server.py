"""Players on sockets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trustme

import mailproxy.player.server as module
from mailproxy.capture.bodies import BodyStore
from mailproxy.player.recordings import Cast
from mailproxy.player.server import PlayedServer, listening_socket
from mailproxy.player.terms import Tls
from tests.player.mailbox_sessions import pop3_session
from tests.player.recording import recorded

HOST = "127.0.0.1"
LARGE = b"Subject: large\n\n" + b"x" * 70 + b"\n" + b"".join(b"%063d\n" % number for number in range(20_000))


@asynccontextmanager
async def served(
    store: BodyStore, said: list[str], tls: Tls = "none", context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    cast = Cast("pop3", [recorded("pop3", pop3_session("aiko", [LARGE]), store)])
    server = PlayedServer(cast, tls=tls, context=context, password=None, say=said.append, over=trio.Event())
    with listening_socket(HOST, 0) as listening:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.accept, listening, nursery)
            yield listening.getsockname()[1]
            nursery.cancel_scope.cancel()


async def until(stream: trio.abc.ReceiveStream, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        more = await stream.receive_some()
        assert more, data
        data += more
    return data


async def test_a_slow_reader_gets_all_of_many_large_answers(store: BodyStore) -> None:
    async with served(store, []) as port, await trio.open_tcp_stream(HOST, port) as stream:
        await until(stream, b"+OK ready\r\n")
        await stream.send_all(b"USER a\r\nPASS b\r\n" + b"RETR 1\r\n" * 10 + b"QUIT\r\n")
        data = await until(stream, b"+OK bye\r\n")
        assert data.count(LARGE.replace(b"\n", b"\r\n")) == 10
        assert await stream.receive_some() == b""


async def test_what_was_made_up_is_said_while_the_client_is_inside(store: BodyStore) -> None:
    said: list[str] = []
    async with served(store, said) as port, await trio.open_tcp_stream(HOST, port) as stream:
        await until(stream, b"+OK ready\r\n")
        await stream.send_all(b"USER a\r\nPASS b\r\nTOP 1 0\r\n")
        await until(stream, b"\r\n.\r\n")
        assert said == ["pop3: TOP 1 0: cut out of the message"]


async def test_clients_that_leave_or_talk_nonsense_harm_no_other(store: BodyStore) -> None:
    said: list[str] = []
    async with served(store, said) as port:
        for sent in (b"", b"\0\xff" * 50_000, b"USER a\r\nPASS b\r\nRETR 1\r\nRETR 1\r\n", b"STLS\r\n"):
            stream = await trio.open_tcp_stream(HOST, port)
            await stream.send_all(sent)
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST
            await stream.aclose()
        async with await trio.open_tcp_stream(HOST, port) as stream:
            await until(stream, b"+OK ready\r\n")
    assert said == []


async def test_a_mistake_of_ours_ends_one_connection_only(
    store: BodyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, said = module.player_of, []

    def broken(*args: object, **terms: object) -> object:
        monkeypatch.setattr(module, "player_of", real)
        raise ValueError("a secret")

    monkeypatch.setattr(module, "player_of", broken)
    async with served(store, said) as port:
        async with await trio.open_tcp_stream(HOST, port) as stream:
            assert await stream.receive_some() == b""
        async with await trio.open_tcp_stream(HOST, port) as stream:
            await until(stream, b"+OK ready\r\n")
    assert said == ["pop3: an error inside mailproxy ended a connection: ValueError"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_tls(store: BodyStore, tls: Tls) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(ours)
    authority.configure_trust(theirs)
    async with served(store, [], tls, ours) as port, await trio.open_tcp_stream(HOST, port) as plain:
        if tls == "starttls":
            await until(plain, b"+OK ready\r\n")
            await plain.send_all(b"STLS\r\n")
            await until(plain, b"TLS\r\n")
        stream = trio.SSLStream(plain, theirs, server_hostname="localhost", https_compatible=True)
        if tls == "implicit":
            await until(stream, b"+OK ready\r\n")
        await stream.send_all(b"USER a\r\nPASS b\r\nSTAT\r\nQUIT\r\n")
        data = await until(stream, b"+OK bye\r\n")
        assert data.split(b"\r\n")[2].startswith(b"+OK 1 ")


async def test_no_more_than_so_many_at_once(store: BodyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 1)
    said: list[str] = []
    async with served(store, said) as port, await trio.open_tcp_stream(HOST, port) as first:
        await until(first, b"+OK ready\r\n")
        async with await trio.open_tcp_stream(HOST, port) as second:
            assert await second.receive_some() == b""
    assert said == ["pop3: more than 1 connections at once; closed one"]


def test_a_port_that_is_taken() -> None:
    with listening_socket(HOST, 0) as first, pytest.raises(OSError, match="in use"):
        listening_socket(HOST, first.getsockname()[1])
