"""Addresses of listeners and hosts of upstreams, as they are written in the file."""

from __future__ import annotations

import ipaddress
import re

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


def split_address(address: str) -> tuple[str, int]:
    """``127.0.0.1:1993``, ``[::1]:1993`` or ``localhost:1993`` as host and port.

    Port 0 lets the system choose a free one. The host has no brackets.

    Raises:
        ValueError: it is no such address; the text says what is wrong.
    """
    match = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([0-9]{1,5})", address, re.ASCII)
    if match is None:
        if _ip(address) is not None or _HOST_NAME.fullmatch(address):
            raise ValueError("it has no port")
        raise ValueError("it is not HOST:PORT")
    bracketed, plain, port = match.groups()
    if int(port) > 65535:
        raise ValueError(f"port {port} is beyond 65535")
    if bracketed is not None:
        if not isinstance(_ip(bracketed), ipaddress.IPv6Address):
            raise ValueError("only an IPv6 address stands in brackets")
        return bracketed, int(port)
    if plain in ("", "*"):
        raise ValueError("it does not say on which address to listen")
    check_host(plain)
    return plain, int(port)


def check_host(host: str) -> None:
    """Is this an IP address without brackets, or a host name (RFC 1123 §2.1)?

    Raises:
        ValueError: it is not; the text says what is wrong.
    """
    if _ip(host) is not None:
        return
    if not host.isascii():
        raise ValueError("a host name is written in ASCII; use its xn-- form")
    if re.fullmatch(r"\[[^\]]*\]", host):
        raise ValueError("an IPv6 address stands here without brackets")
    if re.search(r":[0-9]+$", host):
        raise ValueError("the port does not belong here; it stands with the protocol")
    if "://" in host:
        raise ValueError("this is a URL; only the host name belongs here")
    if len(host) > 253 or not _HOST_NAME.fullmatch(host):
        raise ValueError("this is neither a host name nor an IP address")


def is_loopback(host: str) -> bool:
    """Does this host never leave the machine? Only literal addresses and ``localhost`` do not."""
    if host.lower().rstrip(".") == "localhost":
        return True
    address = _ip(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address is not None and address.is_loopback


def same_place(address: str) -> tuple[str, int]:
    """A key that is equal for two writings of one address. Raises ValueError as split_address does."""
    host, port = split_address(address)
    known = _ip(host)
    return (str(known) if known is not None else host.lower().rstrip("."), port)


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not re.fullmatch(r"[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?", text):
        return None  # the library takes any text at all as the zone
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
