"""Which mail protocol a TCP connection speaks."""

from __future__ import annotations

_PORTS = {"110": "pop3", "143": "imap", "25": "smtp", "587": "smtp", "2525": "smtp"}
_SMTP_GREETINGS = frozenset({b"220 ", b"220-", b"554 ", b"554-", b"421 ", b"421-"})  # RFC 5321 §3.1, §3.8
_TLS_PORTS = {"995": "pop3", "993": "imap", "465": "smtp"}


def by_port(server: str) -> str:
    """The protocol that is usual on the port of ``address:port``, in clear or in TLS; empty for others."""
    port = server.rpartition(":")[2]
    return _PORTS.get(port) or _TLS_PORTS.get(port) or ""


def by_greeting(octets: bytes) -> str:
    """The protocol of a server that begins with these octets; empty when it is none of ours.

    Many protocols begin with 220 (FTP): of these, SMTP says its name (RFC 5321 §4.2 shows it so).
    """
    line = octets.partition(b"\n")[0].upper()
    if line.startswith((b"* OK", b"* PREAUTH", b"* BYE")):
        return "imap"
    if line.startswith(b"+OK"):
        return "pop3"
    return "smtp" if line[:4] in _SMTP_GREETINGS and b"SMTP" in line else ""


def by_hello(octets: bytes) -> str:
    """``smtp`` if a client begins with EHLO or HELO behind a greeting that could be anybody's."""
    return "smtp" if octets[:5].upper() in (b"EHLO ", b"HELO ") else ""


def is_tls(octets: bytes) -> bool:
    """Do they begin with a handshake record (RFC 8446 §5.1)?"""
    return octets[:2] == b"\x16\x03"
