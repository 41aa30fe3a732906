"""IMAP commands as words: what two writings of one command have in common (RFC 9051 §4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mailproxy.proto.imap_scanner import Scanner
from mailproxy.proto.tokens import BadArguments

_TOKEN = re.compile(
    rb'(?P<blank> )|(?P<list>[()])|"(?P<quoted>(?:[^"\\]|\\.)*)"|~?\{(?P<size>[0-9]{1,18})\+?\}\r\n'
    rb'|(?P<plain>(?:[^ ()"\[\]{]|\[[^\]]*\]|[\]\[{])+)',
    re.S,
)
_ESCAPED = re.compile(rb"\\(.)", re.S)
_NUMBER = re.compile(rb"[1-9][0-9]{0,9}|\*")
_LARGEST = (1 << 32) - 1
# Commands whose words mean the same in any case.
_CASELESS = frozenset(
    {"FETCH", "UID FETCH", "STORE", "UID STORE", "SEARCH", "UID SEARCH", "ENABLE", "CAPABILITY"}
)
_NAMED = frozenset(
    {"SELECT", "EXAMINE", "STATUS", "LIST", "LSUB", "APPEND", "COPY", "UID COPY", "MOVE", "UID MOVE"}
)

Range = tuple[int, int]


def words(args: bytes) -> tuple[bytes, ...]:
    """The arguments as words and parentheses; strings without their quotes, literals as their octets.

    Never raises: what is no token stands as it is.
    """
    found: list[bytes] = []
    at = 0
    while at < len(args):
        token = _TOKEN.match(args, at)
        if token is None:
            found.append(args[at:])
            break
        at = token.end()
        if token["size"] is not None:
            end = at + int(token["size"])
            found.append(args[at:end])
            at = end
        elif token["quoted"] is not None:
            found.append(_ESCAPED.sub(rb"\1", token["quoted"]))
        elif token["blank"] is None:
            found.append(token[0])
    return tuple(found)


def key_of(verb: str, args: bytes, mailbox: str) -> tuple[object, ...]:
    """Equal for commands that mean the same while ``mailbox`` is selected."""
    if verb == "APPEND":
        return verb, mailbox_of(args)
    if verb == "ID":
        return (verb,)
    said = words(args)
    if verb in _CASELESS:
        return (verb, mailbox, *(word.upper() for word in said))
    if verb in _NAMED:
        said = tuple(b"INBOX" if word.upper() == b"INBOX" else word for word in said)
    if verb == "STATUS":
        return (verb, *said[:1], *sorted(word.upper() for word in said[1:]))
    return (verb, mailbox, *said) if verb not in ("SELECT", "EXAMINE", "LIST", "LSUB") else (verb, *said)


def mailbox_of(args: bytes) -> str:
    """The mailbox that is the first argument; empty when there is none."""
    try:
        return Scanner(args).mailbox(cut=True)
    except BadArguments:
        return ""


def ranges(text: bytes, largest: int) -> list[Range]:
    """A sequence-set, ``*`` being ``largest``, as ranges that ascend and do not overlap.

    Raises:
        ValueError: it is none (RFC 9051 §9).
    """
    found: list[Range] = []
    for part in text.split(b","):
        ends = part.split(b":")
        if len(ends) > 2 or not all(_NUMBER.fullmatch(end) for end in ends):
            raise ValueError("not a set of message numbers")
        numbers = [largest if end == b"*" else int(end) for end in ends]
        found.append((min(numbers), min(max(numbers), _LARGEST)))
    return _merged(found)


def _merged(found: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for low, high in sorted(found):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return merged


def written(numbers: Iterable[int]) -> bytes:
    """Numbers as a sequence-set."""
    return b",".join(
        b"%d" % low if low == high else b"%d:%d" % (low, high)
        for low, high in _merged((n, n) for n in numbers)
    )


def groups(said: Iterable[bytes]) -> Iterator[bytes | list[bytes]]:
    """Words with each list as one; of lists in lists only the words stay."""
    inner: list[bytes] = []
    depth = 0
    for word in said:
        if word == b"(":
            depth += 1
        elif word == b")":
            depth -= 1
            if depth == 0:
                yield inner
                inner = []
        elif depth > 0:
            inner.append(word)
        else:
            yield word
