"""Octets in and out of one socket, in clear and under TLS, and how a stream ends."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from mailproxy.tls.transport import READ_OCTETS, End, Transport, TransportClosed
from tests.net.peers import Tls, handshake, make_tls, tcp_pair

Pair = tuple[Transport, Transport]


@pytest.fixture(scope="module")
def tls() -> Tls:
    return make_tls()


@pytest.fixture
async def clear() -> AsyncIterator[Pair]:
    with tcp_pair(8192) as (one, other):
        pair = Transport(one), Transport(other)
        yield pair
        for end in pair:
            end.close(abort=True)


async def read(transport: Transport) -> bytes | End:
    """The next piece, or the end."""
    with trio.fail_after(20):
        while True:
            data = transport.read()
            if data is not None:
                return data
            await transport.readable()


async def read_all(transport: Transport, octets: int) -> bytes:
    data = b""
    while len(data) < octets:
        piece = await read(transport)
        assert isinstance(piece, bytes)
        assert len(piece) <= READ_OCTETS
        data += piece
    return data


async def pair_of(kind: str, clear: Pair, tls: Tls) -> Pair:
    if kind == "tls":
        await handshake(clear[1], clear[0], tls)
    return clear


@pytest.mark.parametrize("kind", ["clear", "tls"])
class TestBoth:
    """What holds with and without TLS."""

    async def test_there_and_back(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, other = await pair_of(kind, clear, tls)
        assert one.write(b"there") == 5
        assert await read(other) == b"there"
        await other.send(b"back")
        assert await read(one) == b"back"

    async def test_nothing_is_there_yet(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, other = await pair_of(kind, clear, tls)
        await other.send(b"x")
        assert await read(one) == b"x"  # with it, what TLS has to say for itself
        assert one.read() is None

    async def test_a_peer_that_does_not_read(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, other = await pair_of(kind, clear, tls)
        data = bytes(range(256)) * 8000
        sent = 0
        while taken := one.write(data[sent:]):
            sent += taken
        assert sent < len(data)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.send, data[sent:])
            await wait_all_tasks_blocked()
            assert await read_all(other, len(data)) == data

    async def test_closing_is_a_clean_end(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, other = await pair_of(kind, clear, tls)
        await one.send(b"last words")
        one.close()
        one.close()
        assert await read(other) == b"last words"
        assert await read(other) is End.CLEAN

    async def test_a_reset_is_a_cut(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, other = await pair_of(kind, clear, tls)
        one._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        one.close(abort=True)
        assert await read(other) is End.CUT
        with pytest.raises(TransportClosed):
            other.write(b"too late")

    async def test_use_after_closing(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, _ = await pair_of(kind, clear, tls)
        one.close()
        assert one.read() is End.CUT
        with pytest.raises(TransportClosed):
            one.write(b"x")
        with pytest.raises(TransportClosed):
            await one.send(b"x")

    async def test_a_waiting_task_is_told_of_the_close(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, other = await pair_of(kind, clear, tls)
        await other.send(b"x")
        assert await read(one) == b"x"

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await one.readable()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            one.close()

    async def test_finish_ends_one_direction(self, clear: Pair, tls: Tls, kind: str) -> None:
        one, other = await pair_of(kind, clear, tls)
        one.finish()
        assert await read(other) is End.CLEAN
        socket.socket.send(other._sock, b"12345")
        with trio.fail_after(20):
            thrown = 0
            while thrown < 5:  # TLS 1.3 tickets may lie before it
                thrown += one.discard() or 0
            assert one.discard() is None
            other.close(abort=True)
            await one.readable()
            assert one.discard() == 0


async def test_a_fin_without_close_notify_is_a_cut(clear: Pair, tls: Tls) -> None:
    one, other = await pair_of("tls", clear, tls)
    await one.send(b"half")
    one.close(abort=True)
    assert await read(other) == b"half"
    assert await read(other) is End.CUT


async def test_clear_text_behind_close_notify_is_not_read(clear: Pair, tls: Tls) -> None:
    one, other = await pair_of("tls", clear, tls)
    assert one.tls is not None
    with pytest.raises(ssl.SSLWantReadError):
        one.tls.unwrap()
    socket.socket.send(one._sock, b"a DELETE INBOX\r\n")
    for _ in range(3):
        assert await read(other) is End.CLEAN


async def test_clear_text_inside_tls_is_a_cut(clear: Pair, tls: Tls) -> None:
    one, other = await pair_of("tls", clear, tls)
    socket.socket.send(one._sock, b"a DELETE INBOX\r\n")
    assert await read(other) is End.CUT


async def test_what_the_handshake_agreed_on_outlives_the_connection(clear: Pair, tls: Tls) -> None:
    assert (clear[0].version, clear[0].cipher, clear[0].tls) == ("", "", None)
    for end in await pair_of("tls", clear, tls):
        end.close(abort=True)
        assert end.version == "TLSv1.3"
        assert "AES" in end.cipher or "CHACHA20" in end.cipher


async def test_a_client_that_does_not_trust_us(clear: Pair, tls: Tls) -> None:
    client, server = clear
    errors: list[BaseException] = []

    async def serve() -> None:
        try:
            await server.handshake(tls.server)
        except OSError as error:
            errors.append(error)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            with pytest.raises(ssl.SSLCertVerificationError):
                await client.handshake(tls.client, hostname="other.example.test")
            client.close(abort=True)
    assert len(errors) == 1


async def test_peeked_octets_stay(clear: Pair) -> None:
    one, other = clear
    assert other.peek(10) is None
    await one.send(b"hello")
    await other.readable()
    assert other.peek(2) == b"he"
    assert other.peek(10) == b"hello"
    assert await read(other) == b"hello"
    one.close()
    await other.readable()
    assert other.peek(1) == b""


async def test_waiting_for_more_than_was_peeked_at(clear: Pair) -> None:
    one, other = clear
    seen: list[bytes | None] = []

    async def watch() -> None:
        for octets in (0, 3, 8):
            await other.more_than(octets)
            seen.append(other.peek(100))

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await wait_all_tasks_blocked()
            assert seen == []
            await one.send(b"abc")
            await wait_all_tasks_blocked()
            assert seen == [b"abc"]
            await one.send(b"defgh")
            await wait_all_tasks_blocked()
            assert seen == [b"abc", b"abcdefgh"]
            one.close()  # no more comes: the wait ends all the same
    assert seen[2] == b"abcdefgh"
    assert await read(other) == b"abcdefgh"


async def test_own_address(clear: Pair) -> None:
    assert clear[0].own_address == "127.0.0.1"
