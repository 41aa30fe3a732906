"""The secrets in IMAP commands: where they stand, and how to leave them out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments
from mailproxy.proto.veil import NOTHING, Span, abridged

USER_LIMIT = 512  # characters of a user name that are kept

_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")  # RFC 4422 §3.1; longer may be a secret in its place
_URLAUTH = re.compile(rb'(;URLAUTH=)(?:[^"\\\r\n]|\\.)*', re.I)
_WITH_URLS = frozenset({"GENURLAUTH", "URLFETCH", "APPEND", "REPLACE", "UID REPLACE"})


def login_arguments(args: bytes) -> tuple[str, int, int]:
    """The user of LOGIN, and the start and end of the password's octets in ``args``.

    The span lies inside the quotes or behind the literal's header, so that it can be masked
    octet for octet and the command stays well-formed. It is empty at the end of ``args``
    when the password is a literal still to come.

    Raises:
        BadArguments: they are not two strings (RFC 9051 §6.2.3).
    """
    scanner = Scanner(args)
    user = scanner.astring()[: USER_LIMIT * 4].decode("utf-8", "backslashreplace")[:USER_LIMIT]
    scanner.space()
    if scanner.next_is(b'"'):
        start, end = scanner.quoted()
    elif scanner.next_is(b"{"):
        start, end = scanner.literal(cut=True)
        if scanner.cut:
            return user, len(args), len(args)
    else:
        start = scanner.position
        scanner.astring()
        end = scanner.position
    scanner.end()
    return user, start, end


def secrets(verb: str, args: bytes) -> Sequence[Span]:
    """Where in the arguments secrets stand.

    These are the password of LOGIN, the initial response of AUTHENTICATE, and the tokens of
    URLs (RFC 4467). Of a LOGIN that does not follow the grammar all is taken for one.
    """
    if verb == "LOGIN":
        return _of_login(args)
    if verb == "AUTHENTICATE":
        mechanism, blank, _ = args.partition(b" ")
        if args and not _MECHANISM.fullmatch(mechanism):
            return [(0, len(args))]
        return [(len(mechanism) + 1, len(args))] if blank else NOTHING
    if verb in _WITH_URLS:
        return tokens_of_urls(args)
    return NOTHING


def tokens_of_urls(octets: bytes) -> Sequence[Span]:
    """Where the tokens stand that give access to what URLs name (RFC 4467 §3)."""
    return [(match.end(1), match.end()) for match in _URLAUTH.finditer(octets)]


def mask(verb: str, args: bytes) -> bytes:
    """The arguments as they may be shown, each secret replaced by ``***``."""
    return abridged(args, secrets(verb, args))


def _of_login(args: bytes) -> Sequence[Span]:
    try:
        _, start, end = login_arguments(args)
    except BadArguments:
        return [(0, len(args))] if args else NOTHING
    return NOTHING if start == len(args) and args.endswith(b"}") else [(start, end)]
