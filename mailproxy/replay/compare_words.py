"""What cannot be the same twice in what a server says, and is left out where two answers are compared."""

from __future__ import annotations

import re

from mailproxy.proto.capabilities import Policy, edit_capa, edit_ehlo, edit_imap_line

# In the free text behind a status. Each is there for a server that is known to say it.
_PASSING: tuple[tuple[re.Pattern[bytes], bytes], ...] = (
    (re.compile(rb"<[^<>\s]{1,255}>"), b"<id>"),  # RFC 1939 §7: the timestamp of APOP
    (re.compile(rb"\[(APPENDUID|COPYUID) [^\]]*\]"), rb"[\1]"),  # RFC 4315: new on each copy
    (re.compile(rb"\[(?:IPv6:)?[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*\]"), b"[address]"),
    (re.compile(rb"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?\d{1,2} [A-Z][a-z]{2} \d{4}"), b"date"),
    (re.compile(rb"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )[A-Z][a-z]{2} [ \d]\d"), b"date"),
    (re.compile(rb"\d{4}-\d\d-\d\dT?"), b"date"),
    (re.compile(rb"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| ?[+-]\d{4}| [A-Z]{3,4}\b)?"), b"time"),
    (re.compile(rb"[\d.]+(?: \+ [\d.]+)* ?(?:msecs?|ms|secs?|seconds?)\b"), b"duration"),
    (re.compile(rb"(queued as |id=|Message-Id: )\S+", re.I), rb"\1id"),  # Postfix, Exim
    # Letters and digits without sense: at least ten, two of them digits. Not a part of a name with dots.
    (re.compile(rb"(?<![\w.-])(?=[A-Za-z0-9_/+-]*\d[A-Za-z0-9_/+-]*\d)(?=[0-9_/+-]*[A-Za-z])"
                rb"[A-Za-z0-9_/+-]{10,}+(?:\.\d+)?={0,2}(?![\w.])"), b"id"),
)  # fmt: skip
_FLAGS = re.compile(rb"(FLAGS|\[PERMANENTFLAGS) \(([^()]*)\)", re.I)
_RECENT = re.compile(rb"\A\d+ RECENT\Z|(?<=[ (])RECENT \d+", re.I)
_FETCHED_FLAGS = re.compile(rb"(?<=\()FLAGS \([^()]*\) ?| FLAGS \([^()]*\)", re.I)
_IMAP_CODE = re.compile(rb"\[CAPABILITY ([^\]]*)\] ?", re.I)
_UNDER_TLS = ("STARTTLS", "STLS", "LOGINDISABLED", "AUTH", "SASL", "USER", "APOP")
_HIDING = Policy(guard=True, starttls=False, login=True)


def masked(text: bytes) -> bytes:
    """Free text without times, ids, nonces and addresses."""
    for pattern, instead in _PASSING:
        text = pattern.sub(instead, text)
    return text


def steady(response: bytes) -> bytes:
    r"""An untagged IMAP response without what only the first session sees: RECENT and ``\Recent``.

    Flags are in order, since servers list them in any (RFC 9051 §7.3.5); free text is :func:`masked`.
    """
    if response[:8].upper().split(b" ")[0] in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
        return _FLAGS.sub(_sorted_flags, masked(response))
    return _FLAGS.sub(_sorted_flags, _RECENT.sub(b"RECENT", response))


def _sorted_flags(match: re.Match[bytes]) -> bytes:
    flags = sorted(flag for flag in match[2].split() if flag.upper() != b"\\RECENT")
    return match[1].upper() + b" (" + b" ".join(flags) + b")"


def flagless(response: bytes) -> bytes:
    """A FETCH response without the flags, which a server adds when it sets one by itself."""
    return _FETCHED_FLAGS.sub(b"", response) if b" FETCH (" in response else response


def split_code(text: bytes) -> tuple[bytes, bytes]:
    """The text of an IMAP status without its list of capabilities, and that list."""
    match = _IMAP_CODE.search(text)
    return (text, b"") if match is None else (text[: match.start()] + text[match.end() :], match[1])


def names_imap(listed: bytes, *, hidden: bool) -> set[bytes]:
    """The capabilities in ``listed``; with ``hidden``, less those that our proxy never shows."""
    line = b"* CAPABILITY " + listed + b"\r\n"
    return {word.upper() for word in (edit_imap_line(line, _HIDING) if hidden else line).split()[2:]}


def names_pop3(lines: list[bytes], *, hidden: bool) -> set[bytes]:
    """The same of the lines of a CAPA list."""
    listed = [line + b"\r\n" for line in lines if line != b"."]
    return set().union(*(_spread(line) for line in (edit_capa(listed, _HIDING) if hidden else listed)))


def names_smtp(lines: list[bytes], *, hidden: bool) -> set[bytes]:
    """The same of the lines of an EHLO reply; the first one greets."""
    reply = [b"250-" + line + b"\r\n" for line in lines]
    told = edit_ehlo(reply, _HIDING) if hidden else reply
    return set().union(*(_spread(line[4:]) for line in told[1:]))


def of_the_leg(name: bytes) -> bool:
    """Does this capability depend on whether the connection is encrypted?"""
    return re.split(rb"[ =]", name)[0].decode("ascii", "replace") in _UNDER_TLS


def _spread(line: bytes) -> set[bytes]:
    """One name for each mechanism, so that their order is none."""
    words = line.strip().split()
    if not words:
        return set()
    keyword, *rest = words
    keyword = keyword.upper()
    if keyword in (b"AUTH", b"SASL"):
        return {keyword + b" " + word.upper() for word in rest} or {keyword}
    if keyword.startswith(b"AUTH="):
        return {b"AUTH " + word.upper() for word in (keyword[5:], *rest)}
    return {b" ".join([keyword, *rest])}
