"""Logging in anew: in the way of the capture where that can be, else in the best way there is."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import md5

from mailproxy.proto.capabilities import ehlo_capabilities, imap_capabilities
from mailproxy.proto.sasl import mechanism_name
from mailproxy.replay.client_account import Account
from mailproxy.replay.client_sasl import Responses, SaslFailed, best, responses
from mailproxy.replay.client_talk import Talk, Wait
from mailproxy.replay.compare_answer import Answer
from mailproxy.replay.compare_words import split_code
from mailproxy.replay.script import Step

_TIMESTAMP = re.compile(rb"<[^<>\s]{1,1000}>")  # RFC 1939 §7
_PLAIN_QUOTED = re.compile(rb"[\x20-\x7e]*")


@dataclass(slots=True)
class Offer:
    """What the live server has said of itself so far. ``mechanisms`` and ``names`` are in upper case."""

    timestamp: bytes = b""
    names: set[str] = field(default_factory=set)
    mechanisms: list[str] = field(default_factory=list)

    def learn(self, protocol: str, verb: str, answer: Answer) -> None:
        """Read a greeting, a list of capabilities, or a reply that holds one."""
        if protocol == "imap":
            _, code = split_code(answer.text)
            lines = [b"* CAPABILITY " + code] if code else []
            lines += [b"* " + response for response in answer.responses]
            for names in filter(None, map(imap_capabilities, lines)):
                self.names = set(names)
                self.mechanisms = [name[5:] for name in sorted(names) if name.startswith("AUTH=")]
        elif protocol == "pop3":
            found = _TIMESTAMP.search(answer.text) if verb == "(greeting)" else None
            self.timestamp = found[0] if found else self.timestamp
            if verb == "CAPA":
                self._words(line.split() for line in answer.responses)
        elif verb == "EHLO" and answer.status == "250":
            told = ehlo_capabilities([b"250 " + line for line in answer.responses])
            self.names = set(told)
            self.mechanisms = told.get("AUTH", "").upper().split()

    def _words(self, lines: Iterable[list[bytes]]) -> None:
        for words in filter(None, lines):
            name, *rest = (word.decode("ascii", "replace").upper() for word in words)
            self.names.add(name)
            if name == "SASL":
                self.mechanisms = rest


def login_talk(
    protocol: str, step: Step, account: Account, offer: Offer, host: str, port: int, notes: list[str]
) -> Talk:
    """The login in place of the captured one. ``notes`` gets what had to be done in another way."""
    user, password = _octets(account)
    match step.verb:
        case "USER":
            yield b"USER " + user + b"\r\n"
        case "PASS":
            yield b"PASS " + password + b"\r\n"
        case "APOP" if offer.timestamp:
            digest = md5(offer.timestamp + password, usedforsecurity=False).hexdigest()
            yield b"APOP " + user + b" " + digest.encode() + b"\r\n"
        case "APOP":
            notes.append("no APOP: the server's greeting has no timestamp")
            yield from _user_and_pass(user, password)
        case "LOGIN":
            yield from _imap_login(step.command.tag, user, password)
        case _:
            yield from _authenticate(protocol, step, account, offer, host, port, notes)


def _user_and_pass(user: bytes, password: bytes) -> Talk:
    yield b"USER " + user + b"\r\n"
    yield Wait.ANSWER
    yield b"PASS " + password + b"\r\n"


def _imap_login(tag: bytes, user: bytes, password: bytes) -> Talk:
    """RFC 9051 §6.2.3; a name or password that is not ASCII goes as a literal."""
    line = tag + b" LOGIN"
    for text in (user, password):
        if _PLAIN_QUOTED.fullmatch(text):
            line += b' "' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        else:
            yield line + b" {%d}\r\n" % len(text)
            yield Wait.GO_AHEAD
            line = text
    yield line + b"\r\n"


def _authenticate(
    protocol: str, step: Step, account: Account, offer: Offer, host: str, port: int, notes: list[str]
) -> Talk:
    word, _, initial = step.command.args.partition(b" ")
    captured = mechanism_name(word)
    spoken = responses(captured, account, host, port)
    name = captured
    if spoken is None:
        name = best(offer.mechanisms)
        notes.append(f"{captured} cannot be replayed; {name or 'the plain login'} was taken instead")
        if not name and protocol == "pop3":
            yield from _user_and_pass(*_octets(account))
            return
        if not name and protocol == "imap":
            yield from _imap_login(step.command.tag, *_octets(account))
            return
        name = name or "PLAIN"
        spoken = responses(name, account, host, port)
        assert spoken is not None, "these are spoken"
    head = step.command.tag + b" AUTHENTICATE " if protocol == "imap" else b"AUTH "
    yield from _exchange(head + name.encode(), spoken, at_once=bool(initial))


def _exchange(line: bytes, spoken: Responses, *, at_once: bool) -> Talk:
    response = next(spoken)
    if response is not None and at_once:
        yield line + b" " + (_coded(response) or b"=") + b"\r\n"
    else:
        yield line + b"\r\n"
        challenge = _decoded((yield Wait.GO_AHEAD))
        if response is None:
            response = spoken.send(challenge)
        yield _coded(response or b"") + b"\r\n"
    while True:
        challenge = _decoded((yield Wait.GO_AHEAD))
        try:
            response = spoken.send(challenge)
        except (StopIteration, SaslFailed) as error:
            yield b"*\r\n"  # RFC 4422 §3.5: the client gives up
            if isinstance(error, SaslFailed):
                raise
            return
        yield _coded(response or b"") + b"\r\n"


def _coded(response: bytes) -> bytes:
    return binascii.b2a_base64(response, newline=False)


def _decoded(line: bytes) -> bytes:
    """The challenge in ``+ …`` or ``334 …``."""
    _, _, text = line.partition(b" ")
    try:
        return binascii.a2b_base64(text.strip())
    except ValueError:
        raise SaslFailed("the server's challenge is not in base64") from None


def _octets(account: Account) -> tuple[bytes, bytes]:
    return account.user.encode("utf-8", "surrogateescape"), account.password.encode(
        "utf-8", "surrogateescape"
    )
