"""TLS towards the mail programs: which certificate they see, and what is refused.

The name a program asks for (SNI) selects the certificate among those of the configured
names. A program that asks for none, because it connects to an address, or for a name that is
not configured gets the certificate for all configured names. So nothing is minted for
strangers, and however many names they try, there are as many contexts as names and one.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailproxy.tls.authority import Authority, Clock, utc_now
from mailproxy.tls.errors import TlsError
from mailproxy.tls.files import append_private
from mailproxy.tls.identity import Identity
from mailproxy.tls.own_certificate import read_own_certificate

PROTOCOLS = ("imap", "pop3", "smtp")  # also their ALPN ids


@dataclass(frozen=True, slots=True)
class _Made:
    identities: tuple[Identity, ...]
    context: ssl.SSLContext


class ServerTls:
    """Contexts for the listeners, from the user's own certificate or the local authority.

    ``folder`` is where the authority is kept; it is not touched when ``certificate`` is given.
    ``warnings`` tells what deserves a person's attention though it does not stop serving.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        certificate: Path | None = None,
        key: Path | None = None,
        keylog: Path | None = None,
        now: Clock = utc_now,
    ) -> None:
        """Raises TlsError, as :meth:`reload` does."""
        self._folder = folder
        self._names = tuple(names)
        self._certificate = certificate
        self._key = key
        self._keylog = keylog
        self._now = now
        self._source: Identity | Authority
        self._contexts: dict[str, _Made] = {}
        self.warnings: list[str] = []
        self.reload()

    @property
    def authority(self) -> Authority | None:
        """The local authority, None when the user's own certificate is served."""
        return self._source if isinstance(self._source, Authority) else None

    def context(self, protocol: str) -> ssl.SSLContext:
        """The context for one new connection; ask again for each, as leaves are renewed.

        ``protocol`` is ``imap``, ``pop3`` or ``smtp``. Raises ValueError for any other, and
        TlsError when a new leaf cannot be served.
        """
        made = self._contexts.get(protocol)
        identities = self._identities()
        if made is None or any(a is not b for a, b in zip(made.identities, identities.values(), strict=True)):
            made = self._contexts[protocol] = _Made(
                tuple(identities.values()), self._context(protocol, identities)
            )
        return made.context

    def reload(self) -> list[str]:
        """Read the files again; returns the new warnings.

        Raises TlsError when something is wrong with them: then all stays as it was.
        Connections that are open keep their context in any case.
        """
        source: Identity | Authority
        warnings: list[str]
        if self._certificate is None:
            source = Authority.open(self._folder, self._names, self._now)
            warnings = source.warnings()
        else:
            source, warnings = read_own_certificate(self._certificate, self._key, self._now())
        if self._keylog is not None:
            append_private(self._keylog)
            warnings.append(
                f"{self._keylog}: TLS secrets are written to this file; who has it reads all mail"
            )
        self._source, self._contexts, self.warnings = source, {}, warnings
        return warnings

    def _identities(self) -> dict[str | None, Identity]:
        """What is served for each name; None stands for no name, or an unknown one."""
        source = self._source
        if isinstance(source, Identity):
            return {None: source}
        return {None: source.leaf(), **{name: source.leaf(name) for name in source.names}}

    def _context(self, protocol: str, identities: Mapping[str | None, Identity]) -> ssl.SSLContext:
        if protocol not in PROTOCOLS:
            raise ValueError(f"no ALPN id for {protocol!r}")
        by_name = {name: self._bare(protocol, identity) for name, identity in identities.items()}
        first = by_name.pop(None)
        if by_name:
            # Contexts are made beforehand: an error inside this callback would go nowhere.
            def choose(sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
                chosen = by_name.get((name or "").lower().removesuffix("."))
                if chosen is not None:
                    sock.context = chosen

            first.sni_callback = choose
        return first

    def _bare(self, protocol: str, identity: Identity) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        harden(context)
        context.set_alpn_protocols([protocol])
        try:
            identity.load_into(context)
        except (ssl.SSLError, OSError) as error:
            file = self._certificate or self._folder
            raise TlsError(file, f"it cannot be served: {error}", "replace the certificate") from error
        if self._keylog is not None:
            context.keylog_filename = str(self._keylog)
        return context


def harden(context: ssl.SSLContext) -> None:
    """What holds for both legs: TLS 1.2 or later, no renegotiation, no compression."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
