"""The messages that APPEND and REPLACE bring (RFC 9051 §6.3.12, RFC 3502, 4469, 8508, 9755)."""

from __future__ import annotations

from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments

_SYSTEM_FLAGS = {
    name.lower(): name for name in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "\\Recent")
}


def read_flag(scanner: Scanner) -> str:
    """One flag; the RFC's own flags in the RFC's case, since case does not matter in them."""
    flag = scanner.flag().decode("ascii")
    return _SYSTEM_FLAGS.get(flag.lower(), flag)


def read_messages(scanner: Scanner, flags: list[str]) -> int:
    """Read all messages to the end or to a cut literal: add to ``flags``, give their octets.

    Raises:
        BadArguments: what stands there is no ``append-message`` (RFC 9051 §9, RFC 3502 §6.3.11).
    """
    size = 0
    while not scanner.cut:
        scanner.space()
        if scanner.next_is(b"("):
            flags += scanner.items(lambda: read_flag(scanner))
            scanner.space()
        if scanner.next_is(b'"'):  # the date
            scanner.quoted()
            scanner.space()
        if scanner.skip_word(b"ANNOTATION "):  # RFC 5257 §4.5
            scanner.value()
            scanner.space()
        size += _message(scanner)
        if scanner.at_end:
            break
    return size


def _message(scanner: Scanner) -> int:
    """Octets of one message: a literal, UTF8 (literal8) or CATENATE (…)."""
    if scanner.next_is(b"{") or scanner.next_is(b"~"):
        return _octets(scanner)
    word = scanner.atom().upper()
    scanner.space()
    scanner.octet(b"(", "a parenthesis")
    if word == b"UTF8":  # RFC 9755 §4
        size = _octets(scanner)
    elif word == b"CATENATE":  # RFC 4469 §4
        size = _parts(scanner)
    else:
        raise BadArguments("a message expected")
    if not scanner.cut:
        scanner.octet(b")", "a closing parenthesis")
    return size


def _parts(scanner: Scanner) -> int:
    size = 0
    while True:
        kind = scanner.atom().upper()
        scanner.space()
        if kind == b"TEXT":
            size += _octets(scanner)
        elif kind == b"UTF8":  # RFC 9755 §4 ``cat-part``
            scanner.octet(b"(", "a parenthesis")
            size += _octets(scanner)
            if not scanner.cut:
                scanner.octet(b")", "a closing parenthesis")
        elif kind == b"URL":
            scanner.astring()
        else:
            raise BadArguments("TEXT or URL expected")
        if scanner.cut or scanner.next_is(b")"):
            return size
        scanner.space()


def _octets(scanner: Scanner) -> int:
    start, end = scanner.literal(binary=True, cut=True)
    return end - start
