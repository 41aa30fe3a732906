"""Connections to a mail server: what can go wrong, and that nothing is sent in clear then."""

from __future__ import annotations

import socket
import ssl

import pytest
import trio
from trio.testing import MockClock

from mailproxy.events import Fault
from mailproxy.net import upstream
from mailproxy.net.upstream import Server, UpstreamError
from mailproxy.tls.transport import Transport
from tests.net.fake_server import GREETING, Fake, Handler, greet, hang_up, listen, serving, silent
from tests.net.peers import Tls

HOST = "127.0.0.1"


def server(fake: Fake, tls: Tls, kind: str, seconds: float = 20, host: str = HOST) -> Server:
    return Server("imap", host, fake.port, kind, lambda: tls.client, seconds)


async def test_without_tls(tls: Tls) -> None:
    async with serving(greet) as fake:
        transport, greeting = await server(fake, tls, "none").connect()
        await transport.readable()
        assert (transport.read(), greeting, transport.tls) == (GREETING, b"", None)
        transport.close()


async def test_implicit_tls(tls: Tls) -> None:
    async def handler(transport: Transport, fake: Fake) -> None:
        await transport.handshake(tls.server)
        await greet(transport, fake)

    async with serving(handler) as fake:
        transport, greeting = await server(fake, tls, "implicit").connect()
        await transport.readable()
        while (data := transport.read()) is None:
            await transport.readable()
        assert (data, greeting, transport.version) == (GREETING, b"", "TLSv1.3")
        transport.close()


async def test_starttls(tls: Tls) -> None:
    async def handler(transport: Transport, fake: Fake) -> None:
        await transport.send(b"* OK [ALERT] ready\r\n")
        while (line := transport.read()) is None:
            await transport.readable()
        assert isinstance(line, bytes)
        await transport.send(line.split()[0] + b" OK begin\r\n")
        await transport.handshake(tls.server)
        await listen(transport, fake)

    async with serving(handler) as fake:
        transport, greeting = await server(fake, tls, "starttls").connect()
        assert (greeting, transport.version) == (GREETING, "TLSv1.3")
        transport.close()


async def refuse_starttls(transport: Transport, fake: Fake) -> None:
    await transport.send(GREETING)
    while (line := transport.read()) is None:
        await transport.readable()
    assert isinstance(line, bytes)
    fake.heard.append(line)
    await transport.send(line.split()[0] + b" NO not now\r\n")
    await listen(transport, fake)


@pytest.mark.parametrize(
    ("handler", "kind", "fault", "what"),
    [
        (hang_up, "implicit", Fault.TLS, "127.0.0.1 closed the connection in the middle of TLS"),
        (greet, "implicit", None, "TLS on this port|spoke in clear on a TLS port"),
        (hang_up, "starttls", Fault.SERVER, "the server closed the connection before TLS"),
        (refuse_starttls, "starttls", Fault.SERVER, "the server refused STARTTLS"),
    ],
)
async def test_no_tls_no_connection(
    tls: Tls, handler: Handler, kind: str, fault: Fault | None, what: str
) -> None:
    async with serving(handler) as fake:
        with pytest.raises(UpstreamError, match=what) as raised:
            await server(fake, tls, kind).connect()
        assert fault in (None, raised.value.fault)
        in_clear = b"".join(fake.heard)
        assert b"STARTTLS" in in_clear if kind == "starttls" and in_clear else b"LOGIN" not in in_clear


@pytest.mark.parametrize("kind", ["implicit", "starttls"])
async def test_a_server_that_stays_silent(tls: Tls, kind: str, autojump_clock: MockClock) -> None:
    async with serving(silent) as fake:
        with pytest.raises(UpstreamError, match=r"no answer from .* within 7 seconds") as raised:
            await server(fake, tls, kind, 7).connect()
    assert raised.value.fault is Fault.NETWORK
    assert 7 <= trio.current_time() < 8


async def test_nobody_listens(tls: Tls) -> None:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(UpstreamError, match=f"cannot connect to {HOST}:{port}: Connection refused") as raised:
        await server(Fake(port), tls, "none").connect()
    assert raised.value.fault is Fault.NETWORK


async def test_a_name_that_nobody_has(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", unknown)
    with pytest.raises(UpstreamError, match=r"the name mail\.invalid was not found: Name or service"):
        await Server("imap", "mail.invalid", 143, "none", lambda: tls.client).connect()


async def test_the_next_address_when_one_does_not_answer(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(greet) as fake:
        with socket.create_server((HOST, 0)) as closed:
            refusing = closed.getsockname()
        stream = (socket.AF_INET, socket.SOCK_STREAM, 0, "")

        async def two(*_: object, **__: object) -> list[object]:
            return [(*stream, refusing), (*stream, (HOST, fake.port))]

        monkeypatch.setattr(trio.socket, "getaddrinfo", two)
        transport, _ = await server(fake, tls, "none", host="mail.example.test").connect()
        transport.close()


async def test_the_certificate_of_another_host(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(transport: Transport, fake: Fake) -> None:
        with pytest.raises(ssl.SSLError):
            await transport.handshake(tls.server)

    async with serving(handler) as fake:

        async def one(*_: object, **__: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (HOST, fake.port))]

        monkeypatch.setattr(trio.socket, "getaddrinfo", one)
        wrong = "the certificate of other.test is for another host"
        with pytest.raises(UpstreamError, match=wrong) as raised:
            await server(fake, tls, "implicit", host="other.test").connect()
    assert raised.value.fault is Fault.TLS


async def test_no_descriptor_is_left_behind(tls: Tls) -> None:
    """Each failure closes its socket; an unclosed one would be a warning, and so an error here."""
    async with serving(hang_up) as fake:
        for kind in ("implicit", "starttls"):
            with pytest.raises(UpstreamError):
                await server(fake, tls, kind).connect()


@pytest.mark.parametrize(
    ("host", "shown"), [("mail.example.test", "mail.example.test:143"), ("2001:db8::1", "[2001:db8::1]:143")]
)
def test_shown(tls: Tls, host: str, shown: str) -> None:
    assert str(Server("imap", host, 143, "none", lambda: tls.client)) == shown


@pytest.mark.parametrize(
    ("address", "literal"),
    [("192.0.2.1", "[192.0.2.1]"), ("2001:db8::1", "[IPv6:2001:db8::1]"), ("/run/socket", "localhost")],
)
def test_who_we_say_we_are(address: str, literal: str) -> None:
    assert upstream._literal(address) == literal
