"""Connects to a mail server: every address in turn, TLS before anything else is said."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import trio

from mailproxy.events import Fault
from mailproxy.session.preface import Preface, PrefaceFailed
from mailproxy.tls.explain import explain
from mailproxy.tls.transport import End, Transport, TransportClosed

_ATTEMPT_SECONDS = 10.0  # for one address, while there are others


class UpstreamError(Exception):
    """There is no server to talk to. ``fault`` says whose fault that is."""

    def __init__(self, fault: Fault, what: str) -> None:
        super().__init__(what)
        self.fault = fault
        self.what = what


@dataclass(slots=True)
class Server:
    """Where a listener's sessions go. ``tls`` is ``implicit``, ``starttls`` or ``none``.

    ``context`` is asked for each connection, so that a reload is seen by new ones.
    The last TLS session is resumed: its certificate was verified with the same context.
    """

    protocol: str
    host: str
    port: int
    tls: str
    context: Callable[[], ssl.SSLContext]
    connect_seconds: float = 30.0
    _resumable: tuple[ssl.SSLContext, ssl.SSLSession] | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def connect(self) -> tuple[Transport, bytes]:
        """A leg to the server, encrypted as configured, and the greeting if it was read already.

        Raises:
            UpstreamError: no address answered, or TLS could not be made; nothing was sent in clear.
        """
        with trio.move_on_after(self.connect_seconds) as scope:
            transport = Transport(await self._socket())
            try:
                greeting = await self._secure(transport)
            except (ssl.SSLError, OSError) as error:
                transport.close(abort=True)
                raise UpstreamError(Fault.TLS, explain(error, self.host)) from error
            except (PrefaceFailed, TransportClosed) as error:
                transport.close(abort=True)
                raise UpstreamError(Fault.SERVER, str(error) or "the server closed the connection") from error
            except BaseException:  # also when the deadline passes: the socket must not stay open
                transport.close(abort=True)
                raise
            return transport, greeting
        assert scope.cancelled_caught
        raise UpstreamError(Fault.NETWORK, f"no answer from {self} within {self.connect_seconds:g} seconds")

    async def _socket(self) -> socket.socket:
        try:
            found = await trio.socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UpstreamError(
                Fault.NETWORK, f"the name {self.host} was not found: {error.strerror}"
            ) from error
        last: OSError = OSError(errno.EHOSTUNREACH, "no address")
        for number, (family, kind, protocol, _, address) in enumerate(found, 1):
            deadline = self.connect_seconds if number == len(found) else _ATTEMPT_SECONDS
            try:
                return await _connected(family, kind, protocol, address, deadline)
            except OSError as error:
                last = error
        why = last.strerror or "it did not answer in time"
        hint = f"is it up, and are host and the port of {self.protocol} right?"
        raise UpstreamError(Fault.NETWORK, f"cannot connect to {self}: {why}; {hint}") from last

    async def _secure(self, transport: Transport) -> bytes:
        if self.tls == "none":
            return b""
        greeting = b""
        if self.tls == "starttls":
            greeting = await self._preface(transport)
        elif transport.peek(1):
            # nginx CVE-2026-1642: what comes before our ClientHello was not said inside TLS.
            raise PrefaceFailed('the server spoke in clear on a TLS port; is its tls = "starttls"?')
        context, session = self.context(), None
        if self._resumable is not None and self._resumable[0] is context:
            session = self._resumable[1]
        await transport.handshake(context, hostname=self.host, session=session)
        return greeting

    def remember(self, transport: Transport) -> None:
        """A connection of ours that has ended; the next one may resume its TLS session."""
        self._resumable = transport.session or self._resumable

    async def _preface(self, transport: Transport) -> bytes:
        preface = Preface(self.protocol, _literal(transport.own_address))
        while not preface.ready:
            await transport.readable()
            data = transport.read()
            if isinstance(data, End):
                raise TransportClosed("the server closed the connection before TLS")
            if data:
                preface.receive(data)
                await transport.send(preface.take())
        return preface.greeting


async def _connected(
    family: int, kind: int, protocol: int, address: tuple[Any, ...], seconds: float
) -> socket.socket:
    """A connected non-blocking socket, or OSError."""
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with trio.move_on_after(seconds):
            code = sock.connect_ex(address)
            if code == errno.EINPROGRESS:
                await trio.lowlevel.wait_writable(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            return sock
        raise OSError(errno.ETIMEDOUT, "it did not answer in time")
    except BaseException:  # also when the deadline passes: the socket must not stay open
        sock.close()
        raise


def _literal(address: str) -> str:
    """An address as EHLO names it (RFC 5321 §4.1.3)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "localhost"
    return f"[IPv6:{ip}]" if ip.version == 6 else f"[{ip}]"
