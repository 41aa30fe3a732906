"""The secrets in IMAP commands: where they stand, and how to leave them out."""

from __future__ import annotations

import re

from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments

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


def mask(verb: str, args: bytes) -> bytes:
    """The arguments as they may be shown, each secret replaced by ``***``.

    Hidden are the password of LOGIN, the initial response of AUTHENTICATE, and the tokens of
    URLs (RFC 4467). Of a LOGIN that does not follow the grammar nothing is shown.
    """
    if verb == "LOGIN":
        return _mask_login(args)
    if verb == "AUTHENTICATE":
        mechanism, blank, _ = args.partition(b" ")
        if args and not _MECHANISM.fullmatch(mechanism):
            return b"***"
        return mechanism + b" ***" if blank else args
    if verb in _WITH_URLS:
        return _URLAUTH.sub(rb"\1***", args)
    return args


def _mask_login(args: bytes) -> bytes:
    try:
        _, start, end = login_arguments(args)
    except BadArguments:
        return b"***" if args else args
    return args if start == len(args) and args.endswith(b"}") else args[:start] + b"***" + args[end:]
