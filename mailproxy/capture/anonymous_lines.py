"""Lines of POP3 and SMTP without names. Each function gives back as many octets as it got."""

from __future__ import annotations

import re

from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_text import crossed_out
from mailproxy.capture.anonymous_words import CAPABILITIES, MECHANISMS, SAID, SMTP, SOFTWARE, VERBS
from mailproxy.proto.known_capabilities import POP3_KNOWN, POP3_NEVER, SMTP_KNOWN, SMTP_NEVER
from mailproxy.proto.known_capabilities import Names as Listed

_COMMAND = re.compile(rb"([A-Za-z0-9]{1,12})(\s.*)?\Z", re.S)
_NUMBERS = re.compile(rb"[ 0-9\r\n]*")
_NUMBERED = frozenset((b"LIST", b"UIDL", b"RETR", b"TOP", b"DELE"))
_COUNTED = frozenset(("STAT", "LIST", "RETR", "TOP", "DELE", "LAST"))
_LISTED = re.compile(rb"([0-9]{1,10} )(.*)", re.S)
_REPLY = re.compile(rb"([0-9]{3}[ -]?)([245]\.[0-9]{1,3}\.[0-9]{1,3}\b)?(.*)", re.S)
_PATH = re.compile(rb"(\s*(?:FROM|TO):\s*)(<[^>\r\n]*>|\S*)(.*)", re.S | re.I)
_END_OF_DATA = SAID | {b"CR", b"LF", b"CRLF"}  # "End data with <CR><LF>.<CR><LF>"
_PARAMETER = re.compile(rb"SIZE=[0-9]{1,20}(?=\s|\Z)|\S+", re.I)
_PROMPTS = frozenset((b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6", b"dXNlcm5hbWU6", b"cGFzc3dvcmQ6"))  # "Username:" …
_WORD = re.compile(rb"\S+")
_DIGITS = re.compile(rb"[0-9]{1,20}")


def response(line: bytes) -> bytes:
    """A line of a SASL exchange: only that it is one, aborts it, or is empty."""
    word = line.strip()
    if word in (b"*", b"=", b"+", b"") or word in _PROMPTS or word.upper() == b"DONE":
        return line
    return re.sub(rb"[^\s*=]", b"x", line)


def pop3_command(names: Names, line: bytes) -> bytes:
    """A command of POP3 whose secrets are masked already."""
    match = _COMMAND.match(line)
    if match is None or match[1].upper() not in VERBS:
        return crossed_out(line)
    verb, args = match[1], match[2] or b""
    if verb.upper() in _NUMBERED and _NUMBERS.fullmatch(args):
        return line
    return verb + (_mechanism(names, args) if verb.upper() == b"AUTH" else names.text(args))


def pop3_reply(names: Names, line: bytes, verb: str) -> bytes:
    """The first line of a reply to ``verb``."""
    if line[:2] == b"+ ":
        return line[:2] + response(line[2:])
    status = re.match(rb"\+OK|-ERR|\+", line, re.I)
    if status is None:
        return crossed_out(line)
    rest = line[status.end() :]
    if verb in _COUNTED:
        return status[0] + _keep_numbers(names, rest)
    listed = _LISTED.fullmatch(rest.lstrip(b" ")) if verb == "UIDL" else None
    if listed is not None:
        blank = rest[: len(rest) - len(listed[0])]
        return status[0] + blank + listed[1] + names.text(listed[2])
    return status[0] + names.text(rest, SAID)


def pop3_listed(names: Names, line: bytes, verb: str) -> bytes:
    """A line of the body that CAPA, LIST, UIDL or another verb brings, but no line of a message."""
    if verb == "CAPA":
        return _capability(names, line, POP3_KNOWN, POP3_NEVER)
    if verb == "LIST" and _NUMBERS.fullmatch(line):
        return line
    match = _LISTED.fullmatch(line) if verb == "UIDL" else None
    return match[1] + names.text(match[2]) if match else crossed_out(line)


def smtp_command(names: Names, line: bytes) -> bytes:
    """A command of SMTP whose secrets are masked already."""
    match = _COMMAND.match(line)
    if match is None or match[1].upper() not in VERBS:
        return crossed_out(line)
    verb, args = match[1], match[2] or b""
    if verb.upper() in (b"MAIL", b"RCPT") and (path := _PATH.fullmatch(args)):
        return (
            verb + path[1] + names.text(path[2]) + _PARAMETER.sub(lambda one: _parameter(names, one), path[3])
        )
    if verb.upper() == b"BDAT":
        return verb + _WORD.sub(lambda one: _number_or(names, one[0], SMTP), args)
    return verb + (_mechanism(names, args) if verb.upper() == b"AUTH" else names.text(args))


def smtp_reply(names: Names, line: bytes, verb: str) -> bytes:
    """One line of a reply to ``verb``."""
    match = _REPLY.fullmatch(line)
    if match is None:
        return crossed_out(line)
    code, status, text = match[1], match[2] or b"", match[3]
    if code[:3] == b"334":
        return code + status + response(text)
    if code[:3] == b"354":
        return code + status + names.text(text, _END_OF_DATA)
    if verb in ("EHLO", "HELP"):
        first = text.split(None, 1)[:1]
        word = first[0].decode("ascii", "replace").upper() if first else ""
        if word in SMTP_KNOWN or word in SMTP_NEVER:
            return code + status + _capability(names, text, SMTP_KNOWN, SMTP_NEVER)
    return code + status + names.text(text, SAID)


def _mechanism(names: Names, args: bytes) -> bytes:
    return _WORD.sub(lambda one: one[0] if one[0].upper() in MECHANISMS else names.text(one[0]), args)


def _capability(names: Names, line: bytes, known: Listed, never: Listed) -> bytes:
    def one(match: re.Match[bytes]) -> bytes:
        word = match[0]
        name = word.decode("ascii", "replace").upper()
        if match.start() == 0 or not line[: match.start()].strip():
            family, equals, value = name.partition("=")
            if equals and f"{family}=" in known:
                return word if value.encode() in CAPABILITIES else names.text(word, (family.encode(),))
            return word if name in known or name in never or word == b"." else names.text(word)
        return _number_or(names, word, CAPABILITIES | SOFTWARE)

    return _WORD.sub(one, line)


def _number_or(names: Names, word: bytes, keep: frozenset[bytes]) -> bytes:
    if word.upper() in keep or _DIGITS.fullmatch(word):
        return word
    family, equals, value = word.partition(b"=")  # LIMITS RCPTMAX=100
    if equals and family.upper() in keep:
        return family + equals + _number_or(names, value, keep)
    return names.text(word, keep)


def _keep_numbers(names: Names, text: bytes) -> bytes:
    return _WORD.sub(lambda one: _number_or(names, one[0], SAID), text)


def _parameter(names: Names, match: re.Match[bytes]) -> bytes:
    parameter = match[0]
    if parameter[:5].upper() == b"SIZE=" and parameter[5:].isdigit():
        return parameter
    return names.text(parameter, SMTP)
