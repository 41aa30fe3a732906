"""Logging in to a player: APOP (RFC 1939 §7), SASL PLAIN, LOGIN and CRAM-MD5 with fresh challenges."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
import time
from base64 import b64encode
from dataclasses import dataclass

from mailproxy.player.terms import Passwords

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the server asks, in base64."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an attempt. ``malformed``: it was no attempt at all, or was given up."""

    user: str = ""
    admitted: bool = False
    malformed: bool = False


class Gate:
    """Says who may come in: anybody, or those with the right password."""

    def __init__(self, passwords: Passwords | None) -> None:
        self._passwords = passwords

    def admits(self, user: str, password: bytes) -> bool:
        """Is this the user's password?"""
        if self._passwords is None:
            return True
        known = self._passwords(user)
        return known is not None and hmac.compare_digest(known, password)

    def admits_apop(self, user: str, timestamp: bytes, digest: bytes) -> bool:
        """RFC 1939 §7: MD5 of timestamp and password, in hexadecimal."""
        if self._passwords is None:
            return True
        known = self._passwords(user)
        if known is None:
            return False
        expected = hashlib.md5(timestamp + known, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(expected.encode(), digest.lower())

    def admits_cram(self, user: str, challenge: bytes, digest: bytes) -> bool:
        """RFC 2195 §2: HMAC-MD5 of the challenge, in hexadecimal."""
        if self._passwords is None:
            return True
        known = self._passwords(user)
        if known is None:
            return False
        expected = hmac.new(known, challenge, "md5").hexdigest()
        return hmac.compare_digest(expected.encode(), digest.lower())


def fresh_timestamp(domain: str = "replay.invalid") -> bytes:
    """A msg-id that was never there before, for APOP and CRAM-MD5."""
    return f"<{secrets.token_hex(8)}.{int(time.time())}@{domain}>".encode("ascii", "replace")


class Attempt:
    """One SASL exchange, the server's side."""

    def __init__(self, mechanism: str, gate: Gate) -> None:
        """Raises ValueError when the mechanism cannot be played."""
        if mechanism not in MECHANISMS:
            raise ValueError("this mechanism cannot be played")
        self._mechanism = mechanism
        self._gate = gate
        self._challenge = fresh_timestamp()
        self._user: bytes | None = None

    def start(self, initial: bytes | None) -> Challenge | Outcome:
        """The initial response in base64, or None when the client waits for a challenge."""
        if initial is not None:
            return self.respond(initial)
        first = {"PLAIN": b"", "LOGIN": b"Username:", "CRAM-MD5": self._challenge}
        return Challenge(b64encode(first[self._mechanism]))

    def respond(self, line: bytes) -> Challenge | Outcome:
        """One response of the client, without its line end."""
        response = _decoded(line)
        if response is None:
            return Outcome(malformed=True)
        if self._mechanism == "PLAIN":
            return self._plain(response)
        if self._mechanism == "CRAM-MD5":
            name, blank, digest = response.rpartition(b" ")
            if not blank:
                return Outcome(malformed=True)
            user = name_of(name)
            return Outcome(user, self._gate.admits_cram(user, self._challenge, digest))
        if self._user is None:
            self._user = response
            return Challenge(b64encode(b"Password:"))
        user = name_of(self._user)
        return Outcome(user, self._gate.admits(user, response))

    def _plain(self, response: bytes) -> Outcome:
        if response.count(b"\0") != 2:
            return Outcome(malformed=True)
        _, name, password = response.split(b"\0")
        user = name_of(name)
        return Outcome(user, self._gate.admits(user, password))


def name_of(octets: bytes) -> str:
    """A user's name as text, of bounded length."""
    return octets[:512].decode("utf-8", "backslashreplace")


def _decoded(line: bytes) -> bytes | None:
    if line in (b"", b"="):
        return b""
    try:
        return binascii.a2b_base64(line, strict_mode=True)
    except ValueError:
        return None
