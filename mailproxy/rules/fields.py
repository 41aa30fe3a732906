"""Every field that a rule's condition may name.

A field of the session can be asked for with any command; a field of a command
only with the verbs whose row in the protocol's table lists it. Names and
addresses that the protocol compares without regard to case have one spelling
here, so that a rule cannot be got round by another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailproxy.proto import imap_args, pop3_args, smtp_args
from mailproxy.proto.tokens import Command, Phase, Verb
from mailproxy.session.verdict import Facts

Getter = Callable[[Command, Facts], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A name that a condition may use; ``type`` is the CEL type."""

    name: str
    type: str
    meaning: str


SESSION: dict[str, Field] = {
    field.name: field
    for field in (
        Field("protocol", "string", "pop3, imap or smtp"),
        Field("verb", "string", "the command in upper case: DELE, UID STORE, RCPT"),
        Field("text", "string", "the arguments as they were sent; passwords, digests and tokens are masked"),
        Field("user", "string", "the login name; while a login is judged, the name that asks; else empty"),
        Field(
            "client.ip", "string", 'the client\'s address; client.ip.inside("10.0.0.0/8") asks for a network'
        ),
        Field("client.name", "string", "what the client calls itself: SMTP EHLO, IMAP ID"),
        Field("listener", "string", "the name of the listener that was connected to"),
        Field("upstream", "string", "the name of the upstream"),
        Field("tls", "bool", "the client's leg is encrypted"),
        Field("tls_version", "string", "of the client's leg, for example TLSv1.3; empty without TLS"),
        Field("mechanism", "string", "how the user logs in or did, for example PLAIN"),
        Field("now", "timestamp", "the time of judging, in UTC"),
    )
}

COMMAND: dict[str, Field] = {
    field.name: field
    for field in (
        Field("mailbox", "string", "the mailbox the command names, else the selected one; INBOX in capitals"),
        Field("target", "string", "the mailbox that messages go to, or the new name; INBOX in capitals"),
        Field("set", "string", "the message numbers as they were sent"),
        Field(
            "flags", "list(string)", "the flags of the command; those with a backslash as \\Deleted, \\Seen"
        ),
        Field("labels", "list(string)", "the labels of X-GM-LABELS; those with a backslash as \\Trash"),
        Field("operation", "string", 'of STORE: "+" adds, "-" takes away, "" replaces'),
        Field("size", "int", "octets announced by the command; 0 if it announces none"),
        Field("sender", "string", "the address of MAIL FROM in lower case; empty for a bounce"),
        Field("recipient", "string", "the address of the command in lower case"),
        Field("domain", "string", "the part of the command's address behind the @, in lower case"),
        Field("recipients", "int", "recipients of this message before this command, accepted or still open"),
    )
}

FIELDS: dict[str, Field] = SESSION | COMMAND

_EMPTY: dict[str, Any] = {"string": "", "int": 0, "list(string)": [], "bool": False}


def names(verb: Verb) -> tuple[str, ...]:
    """The fields that ``verb`` has beside those of the session."""
    # Only STORE has flags and labels, and it alone adds, takes away or replaces.
    store = "flags" in verb.fields and "labels" in verb.fields
    return (*verb.fields, "operation") if store else verb.fields


def sample(name: str, filled: bool) -> Any:
    """A value of the field's type, to try a condition with; ``client`` is the pair of its parts."""
    if name == "client":
        return {"ip": "192.0.2.7", "name": "client.example"} if filled else {"ip": "::1", "name": ""}
    kind = FIELDS[name].type
    if kind == "timestamp":
        return datetime(2000, 1, 1, tzinfo=UTC)
    return {"string": "a", "int": 1, "list(string)": ["a"], "bool": True}[kind] if filled else _EMPTY[kind]


def getter(name: str, protocol: str, verb: Verb) -> Getter:
    """How the value of ``name`` is had for ``verb``; ``client`` gives both of its parts.

    The getter raises BadArguments when it needs arguments that cannot be parsed.
    """
    if name in _SESSION:
        return _SESSION[name]
    if name == "mailbox" and protocol == "imap" and verb.phases == frozenset({Phase.SELECTED}):
        return _selected
    if name == "recipients":
        return _recipients
    if name == "sender" and verb.name != "MAIL":
        return _sender
    return _argument(name)


def _argument(name: str) -> Getter:
    empty = _EMPTY[FIELDS[name].type]
    spell = _SPELLING.get(name)

    def get(command: Command, facts: Facts) -> Any:
        value = command.fields.get(name)
        if value is None:
            return empty
        return spell(value) if spell else _string(value) if isinstance(value, bytes) else value

    return get


def _text(command: Command, facts: Facts) -> str:
    return _string(_MASKS[facts.protocol](command.verb, command.args))


def _client(command: Command, facts: Facts) -> dict[str, str]:
    return {"ip": facts.client_ip, "name": facts.client_name}


def _selected(command: Command, facts: Facts) -> str:
    return _mailbox(facts.mailbox)


def _recipients(command: Command, facts: Facts) -> int:
    return facts.recipients


def _sender(command: Command, facts: Facts) -> str:
    return _address(facts.sender)


def _string(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


def _mailbox(value: str | bytes) -> str:
    name = _string(value)
    # RFC 9051 §5.1, in US-ASCII: upper() takes a dotless i for the one in INBOX.
    return "INBOX" if name.isascii() and name.upper() == "INBOX" else name


def _flags(value: list[str | bytes]) -> list[str]:
    # RFC 9051 §2.3.2: names of flags are compared without regard to case.
    return [
        "\\" + flag[1:].capitalize() if flag.startswith("\\") and flag.isascii() else flag
        for flag in map(_string, value)
    ]


def _address(value: str | bytes) -> str:
    # RFC 5321 §2.4: a domain has no case, and no server that matters tells local parts apart by it.
    return _string(value).lower().rstrip(".")


_MASKS: Mapping[str, Callable[[str, bytes], bytes]] = {
    "pop3": pop3_args.mask,
    "imap": imap_args.mask,
    "smtp": smtp_args.mask,
}

_SPELLING: dict[str, Callable[[Any], Any]] = {
    "mailbox": _mailbox,
    "target": _mailbox,
    "flags": _flags,
    "labels": _flags,
    "sender": _address,
    "recipient": _address,
    "domain": _address,
}

_SESSION: dict[str, Getter] = {
    "protocol": lambda command, facts: facts.protocol,
    "verb": lambda command, facts: command.verb,
    "text": _text,
    "user": lambda command, facts: facts.user,
    "client": _client,
    "listener": lambda command, facts: facts.listener,
    "upstream": lambda command, facts: facts.upstream,
    "tls": lambda command, facts: facts.tls,
    "tls_version": lambda command, facts: facts.tls_version,
    "mechanism": lambda command, facts: facts.mechanism,
    "now": lambda command, facts: facts.now(),
}
