"""The tables of a configuration file, field by field, with their defaults.

Frozen: a reload makes a new :class:`Config`. Every path is absolute once loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from mailproxy.config.store import without_password

Protocol = Literal["imap", "pop3", "smtp"]
TlsMode = Literal["implicit", "starttls", "none"]
Text = Annotated[str, Meta(min_length=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Seconds = Annotated[float, Meta(gt=0, le=7 * 86400)]


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """``[log]``: ``file`` is an absolute path, or ``-`` for standard error."""

    file: Text = "-"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """``[tls]``: our own leg. Without a certificate, leaves for ``names`` come from the local CA."""

    certificate: Path | None = None
    key: Path | None = None
    names: tuple[Text, ...] = ("localhost", "127.0.0.1", "::1")
    keylog: Path | None = None


class Store(Struct, frozen=True, forbid_unknown_fields=True):
    """``[store]``: where is written what must outlive a session.

    Once loaded, ``url`` is never empty: ``sqlite:///`` with an absolute path, or ``postgresql://…``.
    """

    url: Text = ""

    def __repr__(self) -> str:
        return f"Store(url={without_password(self.url)!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", without_password(self.url))]


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """``[rules]``: absolute glob patterns, in the order of the file."""

    files: tuple[Text, ...] = ()


class Endpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """One protocol of an upstream, e.g. ``imap = { port = 993, tls = "implicit" }``."""

    port: Port
    tls: TlsMode


class Upstream(Struct, frozen=True, forbid_unknown_fields=True):
    """``[upstream.NAME]``: a mail server and how it is reached, per protocol."""

    host: Text
    ca_file: Path | None = None
    allow_plaintext: bool = False
    imap: Endpoint | None = None
    pop3: Endpoint | None = None
    smtp: Endpoint | None = None

    def endpoint(self, protocol: str) -> Endpoint | None:
        """The endpoint for a protocol (``imap``, ``pop3`` or ``smtp``), if it has one."""
        return {"imap": self.imap, "pop3": self.pop3, "smtp": self.smtp}.get(protocol)


class Listener(Struct, frozen=True, forbid_unknown_fields=True):
    """``[[listener]]``: where mail programs connect.

    Once loaded, ``name`` is never empty (``imap@127.0.0.1:1993``) and ``require_tls``
    is never None: no login in clear where the leg can be encrypted with STARTTLS.
    """

    protocol: Protocol
    address: tuple[Text, ...]
    tls: TlsMode
    upstream: Text
    mode: Literal["guard", "observe"] = "guard"
    name: str = ""
    require_tls: bool | None = None


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """``[limits]``: what one client may cost.

    Times are seconds, sizes octets. The idle times may not be shorter than the
    protocols allow: RFC 1939 §3, RFC 9051 §5.4, RFC 5321 §4.5.3.2.7.
    ``connect_seconds`` are for the connection with its TLS, and once more for the
    server's greeting. ``sessions_per_address`` is not for loopback addresses: a
    balancer or webmail on the same machine is one address for many people.
    """

    sessions: Count = 10_000
    sessions_per_address: Count = 200
    handshake_seconds: Seconds = 30
    connect_seconds: Seconds = 30
    login_seconds: Seconds = 120
    command_seconds: Seconds = 120
    pop3_idle_seconds: Annotated[float, Meta(ge=600, le=7 * 86400)] = 600
    imap_idle_seconds: Annotated[float, Meta(ge=1800, le=7 * 86400)] = 1860
    smtp_idle_seconds: Annotated[float, Meta(ge=300, le=7 * 86400)] = 300
    drain_seconds: Annotated[float, Meta(ge=0, le=86400)] = 30
    line_octets: Annotated[int, Meta(ge=1024, le=16 * 1024 * 1024)] = 65536
    literal_octets: Annotated[int, Meta(ge=1024, le=16 * 1024 * 1024)] = 65536
    errors: Count = 20

    def idle_seconds(self, protocol: str) -> float:
        """How long a session of the protocol may be silent."""
        return {
            "imap": self.imap_idle_seconds,
            "pop3": self.pop3_idle_seconds,
            "smtp": self.smtp_idle_seconds,
        }[protocol]


class Capture(Struct, frozen=True, forbid_unknown_fields=True):
    """``[capture]``: sessions as pcapng files, those that a rule names or ``all``.

    Once loaded, ``folder`` is never None. ``message_octets`` is None for whole messages, of which
    the server's leg has ``server_message_octets`` once more. ``file_octets`` and ``total_octets`` are
    octets on disk, before a file is compressed and after.
    """

    all: bool = False
    folder: Path | None = None
    per_session: bool = False
    message_octets: Annotated[int, Meta(ge=0, le=2**40)] | None = None
    server_message_octets: Annotated[int, Meta(ge=0, le=2**40)] = 65_536
    secrets: bool = False
    compress: bool = False
    file_octets: Annotated[int, Meta(ge=65_536, le=2**40)] = 100_000_000
    file_minutes: Annotated[float, Meta(gt=0, le=7 * 1440)] = 60
    total_octets: Annotated[int, Meta(ge=65_536, le=2**50)] = 1_000_000_000
    keep_days: Annotated[float, Meta(gt=0, le=3650)] = 7


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. ``workers`` counts processes; 0 means one per core."""

    state: Path
    upstream: dict[str, Upstream]
    listener: tuple[Listener, ...]
    workers: Annotated[int, Meta(ge=0, le=1024)] = 1
    log: Log = field(default_factory=Log)
    store: Store = field(default_factory=Store)
    tls: Tls = field(default_factory=Tls)
    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=Limits)
    capture: Capture = field(default_factory=Capture)
