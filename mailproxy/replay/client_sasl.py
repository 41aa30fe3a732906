"""SASL as a client speaks it (RFC 4422): each mechanism a generator of responses.

A generator first yields its initial response, None when the server has to begin; then it takes
challenges and yields the answers, all without base64.
"""

from __future__ import annotations

import binascii
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Generator, Iterable
from hashlib import md5, pbkdf2_hmac, sha1, sha256
from typing import Any

from mailproxy.replay.client_account import Account

Responses = Generator[bytes | None, bytes, None]

_MOST_ROUNDS = 1_000_000  # of SCRAM; a hostile server may ask for any number


class SaslFailed(Exception):
    """The server does not follow the mechanism. The text holds no secret."""


def responses(mechanism: str, account: Account, host: str, port: int) -> Responses | None:
    """The client's half of ``mechanism``; None when it is not spoken here."""
    speak = _SPOKEN.get(mechanism)
    return speak(account, host, port) if speak is not None else None


def best(offered: Iterable[str]) -> str:
    """The strongest mechanism of those offered that is spoken here; empty when there is none."""
    names = {name.upper() for name in offered}
    return next((name for name in _PREFERRED if name in names), "")


def _plain(account: Account, host: str, port: int) -> Responses:
    """RFC 4616."""
    yield b"\0" + _octets(account.user) + b"\0" + _octets(account.password)


def _login(account: Account, host: str, port: int) -> Responses:
    """No RFC; the server asks for the name and then for the password."""
    yield None
    yield _octets(account.user)
    yield _octets(account.password)


def _cram_md5(account: Account, host: str, port: int) -> Responses:
    """RFC 2195."""
    challenge = yield None
    digest = hmac.new(_octets(account.password), challenge, md5).hexdigest()
    yield _octets(account.user) + b" " + digest.encode()


def _xoauth2(account: Account, host: str, port: int) -> Responses:
    """Google's and Microsoft's; a challenge means that the token was refused, and wants an empty answer."""
    yield b"user=" + _octets(account.user) + b"\x01auth=Bearer " + _octets(account.password) + b"\x01\x01"
    yield b""


def _oauthbearer(account: Account, host: str, port: int) -> Responses:
    """RFC 7628 §3.1."""
    name = _saslname(account.user)
    where = f"host={host}\x01port={port}\x01".encode()
    yield b"n,a=" + name + b",\x01" + where + b"auth=Bearer " + _octets(account.password) + b"\x01\x01"
    yield b"\x01"


def _scram(digest: Callable[..., Any]) -> Callable[[Account, str, int], Responses]:
    def speak(account: Account, host: str, port: int) -> Responses:
        """RFC 5802 §3, without channel binding."""
        nonce = secrets.token_urlsafe(18).encode()
        first = b"n=" + _saslname(account.user) + b",r=" + nonce
        challenge = yield b"n,," + first
        given = _attributes(challenge)
        salt, rounds = _unbase64(given.get(b"s", b"")), given.get(b"i", b"")
        if not given.get(b"r", b"").startswith(nonce) or not salt or not rounds.isdigit():
            raise SaslFailed("the server's first message is none of SCRAM")
        if len(rounds) > 7 or int(rounds) > _MOST_ROUNDS:
            raise SaslFailed(f"the server asks for more than {_MOST_ROUNDS} rounds of SCRAM")
        name = digest().name
        salted = pbkdf2_hmac(name, _prepared(account.password), salt, max(int(rounds), 1))
        key = hmac.new(salted, b"Client Key", digest).digest()
        final = b"c=biws,r=" + given[b"r"]
        message = first + b"," + challenge + b"," + final
        signature = hmac.new(digest(key).digest(), message, digest).digest()
        proof = bytes(left ^ right for left, right in zip(key, signature, strict=True))
        told = yield final + b",p=" + _base64(proof)
        server_key = hmac.new(salted, b"Server Key", digest).digest()
        expected = hmac.new(server_key, message, digest).digest()
        if not hmac.compare_digest(_unbase64(_attributes(told).get(b"v", b"")), expected):
            raise SaslFailed("the server does not know the password either: its signature is wrong")
        yield b""

    return speak


_SPOKEN: dict[str, Callable[[Account, str, int], Responses]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "SCRAM-SHA-1": _scram(sha1),
    "SCRAM-SHA-256": _scram(sha256),
    "XOAUTH2": _xoauth2,
    "OAUTHBEARER": _oauthbearer,
}
# Tokens are no passwords: they are never chosen where the capture had another mechanism.
_PREFERRED = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5")


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _prepared(password: str) -> bytes:
    """RFC 4013 as far as it matters: composed, and with one kind of blank."""
    return _octets(unicodedata.normalize("NFKC", password))


def _saslname(user: str) -> bytes:
    return _octets(user).replace(b"=", b"=3D").replace(b",", b"=2C")


def _attributes(message: bytes) -> dict[bytes, bytes]:
    return {part[:1]: part[2:] for part in message.split(b",") if part[1:2] == b"="}


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


def _unbase64(data: bytes) -> bytes:
    try:
        return binascii.a2b_base64(data)
    except ValueError:
        return b""
