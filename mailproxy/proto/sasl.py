"""SASL as it passes: who asks to be let in, and which mechanisms cannot pass (RFC 4422).

A password, proof or token is looked past, never kept: all that stays is the user's name.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable

NAME_LIMIT = 512  # characters of a user name that are kept

# RFC 2831 §2.1.2: name=token or name="quoted", joined by commas.
_DIRECTIVE = re.compile(rb'\s*([A-Za-z-]+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^",\s]*))\s*(?:,|\Z)', re.S)
_ESCAPED = re.compile(rb"\\(.)", re.S)


class SaslExchange:
    """What the client's half of one SASL exchange says of its user.

    ``user`` is the authentication identity, ``""`` while it is unknown.
    ``authzid`` is the identity it wants to act as, ``""`` when it names none.
    ``flaw`` says why two servers could read the client's octets in two ways.
    """

    __slots__ = ("_over", "_read", "authzid", "flaw", "mechanism", "user")

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism.upper()
        self.user = "anonymous" if self.mechanism == "ANONYMOUS" else ""
        self.authzid = ""
        self.flaw = ""
        self._over = False
        self._read = _reader(self.mechanism)

    def __repr__(self) -> str:
        return f"<SaslExchange {self.mechanism[:20]!r}>"

    def client(self, line: bytes) -> None:
        """Take one line of the client, initial response included (with or without CRLF).

        ``=`` is an empty response (RFC 4954 §4), ``*`` aborts. Never raises.
        """
        line = line.rstrip(b"\r\n")
        if line == b"*":
            self.user = self.authzid = ""
            self._over = True
        if self._over or self._read is None:
            return
        # Only the first response holds the name, and with LOGIN the next one is the password.
        self._over = True
        message = self._decoded(line)
        if message is None:
            return
        named = self._read(message)
        if named is None:
            self.flaw = self.flaw or f"the response does not have the form of {self.mechanism}"
            return
        user, authzid = named
        self.user, self.authzid = _text(user), _text(authzid)

    def _decoded(self, line: bytes) -> bytes | None:
        if line in (b"", b"="):
            return b""
        try:
            return binascii.a2b_base64(line, strict_mode=True)
        except ValueError:
            self.flaw = "the response is not strict base64"
        try:
            # What a lenient server might read: other octets skipped, padding supplied.
            return binascii.a2b_base64(line.rstrip(b"=") + b"==")
        except ValueError:
            return None


def _text(name: bytes) -> str:
    # Four octets at most for a character: no longer a slice is worth decoding.
    return name[: NAME_LIMIT * 4].decode("utf-8", "backslashreplace")[:NAME_LIMIT]


Names = tuple[bytes, bytes]  # authentication identity, authorization identity


def _reader(mechanism: str) -> Callable[[bytes], Names | None] | None:
    if mechanism.startswith("SCRAM-"):
        return _scram
    return {
        "PLAIN": _plain,
        "LOGIN": _whole,
        "EXTERNAL": _whole,
        "CRAM-MD5": _cram,
        "DIGEST-MD5": _digest,
        "XOAUTH2": _xoauth2,
        "OAUTHBEARER": _oauthbearer,
    }.get(mechanism)


def _whole(message: bytes) -> Names | None:
    return (message, b"") if message else None  # without a name, servers ask for it: the next line is none


def _plain(message: bytes) -> Names | None:
    """RFC 4616 §2: authzid NUL authcid NUL passwd."""
    if message.count(b"\0") != 2:
        return None
    authzid, authcid, _ = message.split(b"\0")
    return authcid, authzid


def _cram(message: bytes) -> Names | None:
    """RFC 2195 §2: the name, a blank, the digest; the name itself may hold blanks."""
    name, blank, _ = message.rpartition(b" ")
    return (name, b"") if blank else None


def _digest(message: bytes) -> Names | None:
    found: dict[bytes, bytes] = {}
    position = 0
    while position < len(message):
        match = _DIRECTIVE.match(message, position)
        if match is None:
            return None
        position = match.end()
        name = match[1].lower()
        if name in (b"username", b"authzid"):
            if name in found:
                return None
            found[name] = _ESCAPED.sub(rb"\1", match[2]) if match[2] is not None else match[3]
    if b"username" not in found:
        return None
    return found[b"username"], found.get(b"authzid", b"")


def _scram(message: bytes) -> Names | None:
    """RFC 5802 §7: ``gs2-cbind-flag , [a=authzid] , n=name , r=nonce``."""
    fields = message.split(b",", 4)
    if len(fields) < 4 or not fields[2].startswith(b"n="):
        return None
    return _saslname(fields[2]), _saslname(fields[1])


def _oauthbearer(message: bytes) -> Names | None:
    """RFC 7628 §3.1: the gs2 header names the user, the token stands behind the first %x01."""
    header, mark, _ = message.partition(b"\x01")
    fields = header.split(b",")
    if not mark or len(fields) < 2 or fields[0] not in (b"n", b"y"):
        return None
    return _saslname(fields[1]), b""


def _saslname(field: bytes) -> bytes:
    return field[2:].replace(b"=2C", b",").replace(b"=3D", b"=")


def _xoauth2(message: bytes) -> Names | None:
    first, mark, _ = message.partition(b"\x01")  # without it the token would be taken for the name
    return (first[5:], b"") if mark and first[:5].lower() == b"user=" else None


# They may wrap the stream after OK in a security layer (nothing could be judged any more),
# or prove who holds a TLS connection or certificate that ends at this proxy.
_BLINDING = frozenset({"DIGEST-MD5", "EXTERNAL", "NTLM", "SRP"})
_BLINDING_FAMILIES = ("GSS", "GS2-", "KERBEROS_", "PASSDSS")


_NAME = re.compile(rb"[A-Za-z0-9_-]{1,20}")  # RFC 4422 §3.1


def mechanism_name(word: bytes) -> str:
    """The mechanism in upper case; ``?`` for what is no name of one: it may be anything, a secret too."""
    return word.upper().decode("ascii") if _NAME.fullmatch(word) else "?"


def always_hidden(mechanism: str) -> bool:
    """Is this a mechanism that cannot pass a proxy, and is refused when it is used all the same?"""
    name = mechanism.upper()
    return name in _BLINDING or name.startswith(_BLINDING_FAMILIES) or name.endswith("-PLUS")


def hidden_mechanisms(offered: Iterable[str]) -> frozenset[str]:
    """Those of the server's mechanisms that the client is not shown (in upper case).

    RFC 5802 §6: a client that can bind to the channel says so when it sees no ``-PLUS``,
    and a server that offered one must then fail the login. So with one ``-PLUS`` all
    SCRAM mechanisms go.
    """
    names = frozenset(name.upper() for name in offered)
    bound = any(name.endswith("-PLUS") for name in names)
    return frozenset(name for name in names if always_hidden(name) or (bound and name.startswith("SCRAM-")))
