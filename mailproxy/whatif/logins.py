"""Logins that are made anew: in a capture of ours their secrets are asterisks, which no parser takes.

Whoever the proxy has remarked on logs in again, with a password that is none. A secret that
is in the capture as it was sent stays as it is.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable

from mailproxy.proto.sasl import mechanism_name

_PASSWORD = b"x"
_DIGEST = b"0" * 32
_MASKED = re.compile(rb"\*+(?=\r?\n\Z)")
_SASL = frozenset({"AUTH", "AUTHENTICATE"})

_RESPONSES: dict[str, Callable[[bytes], tuple[bytes, ...]]] = {
    "PLAIN": lambda user: (b"\0" + user + b"\0" + _PASSWORD,),
    "LOGIN": lambda user: (user, _PASSWORD),
    "CRAM-MD5": lambda user: (user + b" " + _DIGEST,),
    "XOAUTH2": lambda user: (b"user=" + user + b"\x01auth=Bearer x\x01\x01",),
    "OAUTHBEARER": lambda user: (b"n,a=" + _saslname(user) + b",\x01auth=Bearer x\x01\x01",),
    "SCRAM-SHA-1": lambda user: (b"n,,n=" + _saslname(user) + b",r=x", b"c=biws,r=x,p=eA=="),
    "SCRAM-SHA-256": lambda user: (b"n,,n=" + _saslname(user) + b",r=x", b"c=biws,r=x,p=eA=="),
    "ANONYMOUS": lambda user: (b"x",),
}


class Login:
    """One login of a capture, line by line, as ``user``."""

    def __init__(self, verb: str, args: bytes, user: str) -> None:
        self._verb = verb
        made = _RESPONSES.get(mechanism_name(args.partition(b" ")[0])) if verb in _SASL else None
        self._responses = list(made(user.encode())) if made is not None else []

    def command(self, line: bytes) -> bytes:
        """The command's line."""
        masked = _MASKED.search(line)
        if masked is None:
            return line
        if self._verb in _SASL:
            if len(masked[0]) == 1:  # an empty initial response
                return _with(line, masked, b"=")
            return self._answered(line, masked)
        if self._verb == "APOP":
            return _with(line, masked, b"0" * len(masked[0]))
        if self._verb == "LOGIN":  # an atom; in quotes and in literals asterisks may stand
            return _with(line, masked, _PASSWORD * len(masked[0]))
        return line

    def response(self, line: bytes) -> bytes:
        """A line of a SASL exchange."""
        masked = _MASKED.match(line)
        if masked is None or len(masked[0]) == 1:  # a lone asterisk gives the exchange up
            return line
        return self._answered(line, masked)

    def _answered(self, line: bytes, masked: re.Match[bytes]) -> bytes:
        if not self._responses:
            return line
        return _with(line, masked, b64encode(self._responses.pop(0)))


def _with(line: bytes, masked: re.Match[bytes], octets: bytes) -> bytes:
    return line[: masked.start()] + octets + line[masked.end() :]


def _saslname(name: bytes) -> bytes:
    """RFC 5802 §5.1."""
    return name.replace(b"=", b"=3D").replace(b",", b"=2C")
