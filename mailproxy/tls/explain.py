"""Why a handshake failed, in a sentence for a person.

The codes are those of OpenSSL (x509_vfy.h, and the names of its reasons), the alerts those of
RFC 8446 §6. What the peer sent is never quoted unescaped, nor at length.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Sequence

LONGEST = 200  # characters of an explanation

# X509_V_ERR_…: what is wrong with the server's certificate.
_CERTIFICATE = {
    9: "is not valid yet; check this machine's clock",
    10: "has expired; who runs the server must renew it",
    18: "is self-signed; if it is the right one, set `ca_file` to it",
    19: "comes from an unknown authority; if it is trusted, set `ca_file` to it",
    20: "comes from an unknown authority; if it is trusted, set `ca_file` to it",
    21: "comes without the chain to its authority; set `ca_file`",
    23: "is revoked",
    24: "comes from a certificate that is no authority",
    26: "is not meant for servers",
    47: "is outside of what its authority may vouch for",
    48: "is outside of what its authority may vouch for",
    64: "is not for this address",
    66: "has too short a key",
    67: "comes from an authority with too short a key",
    68: "has too weak a signature",
}
_HOST_MISMATCH = {62, 64}

_AROUND_REASON = re.compile(r"^\[[^]]*\]|\(_ssl\.c:[0-9]+\)$")
_NO_TLS = "does not speak TLS on this port; check `port` and `tls` (implicit or starttls)"
_REASONS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": "speaks HTTP, not TLS",
    "UNSUPPORTED_PROTOCOL": "speaks only TLS versions older than 1.2",
    "UNEXPECTED_EOF_WHILE_READING": "closed the connection in the middle of TLS",
    "NO_SHARED_CIPHER": "has no cipher in common with us",
    "DH_KEY_TOO_SMALL": "uses too short a key to agree on secrets",
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
}

# The names of alerts end so; SSLV3_, TLSV1_, TLSV13_ and the like stand before.
_ALERTS = {
    "ALERT_PROTOCOL_VERSION": "refuses our TLS versions, 1.2 and 1.3: it is too old",
    "ALERT_HANDSHAKE_FAILURE": "found no common ground: ciphers, keys or a client certificate it wants",
    "ALERT_INSUFFICIENT_SECURITY": "wants stronger ciphers",
    "ALERT_NO_APPLICATION_PROTOCOL": "does not serve this mail protocol here (ALPN)",
    "UNRECOGNIZED_NAME": "does not know itself by this name (SNI)",
    "ALERT_UNKNOWN_CA": "does not trust the authority of our certificate",
    "ALERT_BAD_CERTIFICATE": "refuses our certificate",
    "ALERT_CERTIFICATE_UNKNOWN": "refuses our certificate",
    "ALERT_CERTIFICATE_EXPIRED": "says that our certificate has expired",
    "ALERT_CERTIFICATE_REQUIRED": "wants a client certificate, which a proxy cannot have",
    "ALERT_ACCESS_DENIED": "denies us access",
    "ALERT_INTERNAL_ERROR": "failed inside itself",
}


def explain(error: ssl.SSLError | OSError, host: str, names: Sequence[str] = ()) -> str:
    """Why the handshake with the mail server ``host`` failed, in at most 200 characters.

    ``names`` are those in its certificate, where the caller knows them: the ssl module does
    not show the certificate that it refused.
    """
    who = _plain(host, 80)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _cut(f"the certificate of {who} {_certificate(error, names)}")
    return _cut(f"{who} {_reason(error)}")


def explain_client(error: ssl.SSLError | OSError) -> str:
    """Why the handshake with a mail program failed, in at most 200 characters."""
    reason = _name(error)
    if reason.endswith(("UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_UNKNOWN")):
        return "the mail program does not trust our certificate; `mailproxy ca export` tells how it can"
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return "the mail program does not speak TLS on this port; set its connection security to SSL/TLS"
    if reason in ("UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW"):
        return "the mail program speaks only TLS versions older than 1.2"
    return _cut(f"the mail program {_reason(error)}")


def _certificate(error: ssl.SSLCertVerificationError, names: Sequence[str]) -> str:
    if error.verify_code in _HOST_MISMATCH:
        if names:
            return f"is for {', '.join(_plain(name, 60) for name in names)} and not for this host"
        return "is for another host; check `host` of the upstream"
    known = _CERTIFICATE.get(error.verify_code)
    return known or f"cannot be verified: {_plain(error.verify_message, LONGEST)}"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError | BrokenPipeError):
        return _REASONS["UNEXPECTED_EOF_WHILE_READING"]
    if isinstance(error, TimeoutError | socket.timeout):
        return "did not finish TLS in time"
    reason = _name(error)
    if reason in _REASONS:
        return _REASONS[reason]
    for ending, meaning in _ALERTS.items():
        if reason.endswith(ending):
            return meaning
    if "ALERT" in reason:
        return f"ended TLS with the alert {_plain(reason, 80)}"
    return f"failed in TLS: {_plain(reason or error.strerror or type(error).__name__, LONGEST)}"


def _name(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return ""
    reason = getattr(error, "reason", None)
    if reason:
        return str(reason)
    # The ssl module names the reasons it knew when it was built; the text is OpenSSL's for all.
    text = _AROUND_REASON.sub("", str(error.strerror or ""))
    return text.strip().upper().replace(" ", "_")


def _plain(text: str, longest: int) -> str:
    """The text with what is not printable escaped, and cut."""
    shown = "".join(c if c.isprintable() and c.isascii() else ascii(c)[1:-1] for c in text[:longest])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
