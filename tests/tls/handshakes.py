"""A whole TLS handshake over a socket pair, both ends driven by one loop."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from cryptography import x509


@dataclass
class Ends:
    """Both ends after the handshake; an error is None where it went well."""

    client: ssl.SSLSocket
    server: ssl.SSLSocket
    client_error: OSError | None = None
    server_error: OSError | None = None

    def seen(self) -> x509.Certificate:
        """The certificate that the client was shown."""
        der = self.client.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der)

    def names(self) -> list[str]:
        """The names in the certificate that the client was shown."""
        entries = self.seen().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return [str(entry.value) for entry in entries]


@contextmanager
def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str | None) -> Iterator[Ends]:
    """Do the handshake as far as it goes."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    with (
        client.wrap_socket(
            near, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        ) as c,
        server.wrap_socket(
            far, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False
        ) as s,
    ):
        ends = Ends(c, s)
        open_ends = [c, s]
        for _ in range(20):
            for end in list(open_ends):
                try:
                    end.do_handshake()
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    continue
                except OSError as error:
                    if end is c:
                        ends.client_error = error
                    else:
                        ends.server_error = error
                    socket.socket.shutdown(end, socket.SHUT_WR)
                open_ends.remove(end)
        assert not open_ends, "the handshake does not come to an end"
        yield ends


def trusting(*pem: bytes) -> ssl.SSLContext:
    """A mail program that trusts these certificates, as strictly as current Python does."""
    context = ssl.create_default_context(cadata="".join(one.decode() for one in pem))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def first_octets(client: ssl.SSLContext, host: str | None) -> bytes:
    """The ClientHello that OpenSSL sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with_name = client.wrap_bio(incoming, outgoing, server_hostname=host)
    with suppress(ssl.SSLWantReadError):
        with_name.do_handshake()
    return outgoing.read()
