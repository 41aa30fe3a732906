"""One event as one line: JSON for machines, colours and words for a terminal.

Whatever a mail program or a server sent may stand in a field. It can neither end the
line nor command a terminal: everything that is not printable is an escape in the line.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from enum import Enum
from typing import Any

import msgspec

from mailproxy.events import CommandDone, Secret

LONGEST = 300  # characters of a field; the rest is replaced by its length and a hash

Render = Callable[[Any, str, MutableMapping[str, Any]], bytes]
"""The shape of a structlog processor that ends the chain."""

_SIMPLE = frozenset({str, bool, int, float, type(None)})
_encode = msgspec.json.Encoder().encode


class Clock:
    """ISO 8601 in UTC with milliseconds. The seconds are formatted once a second."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        now = self._now()
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        return self._text + _MILLISECONDS[int((now - second) * 1000)]


_MILLISECONDS = [f"{thousandth:03d}Z" for thousandth in range(1000)]


def json_lines(clock: Clock) -> Render:
    """Renders each event as one line of JSON: time, level, event, then its fields."""
    heads: dict[tuple[str, str], str] = {}  # few: the names of events are constants of the program

    def render(_: Any, level: str, fields: MutableMapping[str, Any]) -> bytes:
        event = fields.pop("event")
        head = heads.get((level, event))
        if head is None:
            head = heads[level, event] = f'","level":"{level}","event":{_encode(plain(event)).decode()}'
        if "time" in fields or "level" in fields:
            fields = {name + "_" if name in ("time", "level") else name: fields[name] for name in fields}
        body = b""
        if set(map(type, fields.values())) <= _SIMPLE:
            body = _encoded(fields)
        if not body or len(body) > LONGEST:  # a short line has no long field: the usual case is cheap
            body = _encoded({name: plain(value) for name, value in fields.items()})
        if not body.isascii() or 0x7F in body:
            body = _escaped(body.decode()).encode()
        comma = "," if fields else ""
        return f'{{"time":"{clock()}{head}{comma}'.encode() + body[1:] + b"\n"

    return render


class _CommandLine(msgspec.Struct, omit_defaults=True):
    """The fields of a ``command`` line, in their order."""

    verb: str
    text: str
    verdict: str
    status: str
    seconds: float
    rule: str = ""
    why: str = ""


def command_lines(clock: Clock, bound: Mapping[str, object]) -> Callable[[CommandDone], bytes | None]:
    """Renders the commands of one session as :func:`json_lines` would, at a third of the cost.

    There is a line for each command, so this is what a log costs. What is long, or holds
    anything but printable ASCII, is None: it is left to the general way.
    """
    head = f'","level":"info","event":"command",{_encoded(dict(bound)).decode()[1:-1]},'.encode()

    def render(event: CommandDone) -> bytes | None:
        seconds = int(event.seconds * 1e6) / 1e6  # a third of the cost of round()
        line = _CommandLine(
            event.verb, event.text, event.verdict, event.status, seconds, event.rule, event.why
        )
        try:
            body = _encode(line)
        except (UnicodeEncodeError, TypeError):  # half a surrogate pair, or a Secret
            return None
        if len(body) > LONGEST or not body.isascii() or 0x7F in body:
            return None
        return b'{"time":"' + clock().encode() + head + body[1:] + b"\n"

    return render


def console_lines(clock: Clock, colours: bool) -> Render:
    """Renders each event as one line for people: time of day (UTC), event, ``name=value``."""
    paint = _COLOURS if colours else {}
    faint, bold, end = ("\x1b[2m", "\x1b[1m", "\x1b[0m") if colours else ("", "", "")

    def render(_: Any, level: str, fields: MutableMapping[str, Any]) -> bytes:
        event = str(fields.pop("event"))
        words = [f"{faint}{clock()[11:-1]}{end} {paint.get(level, '')}{level:<7}{end} {bold}{event:<13}{end}"]
        for name, value in _flat(fields):
            words.append(f"{faint}{name}={end}{_word(value)}")
        return " ".join(words).encode("utf-8", "backslashreplace") + b"\n"

    return render


_COLOURS = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}


def plain(value: object, depth: int = 3) -> Any:
    """The value as JSON can say it: cut, octets as text, secrets as ``<secret>``."""
    match value:
        case Secret():
            return "<secret>"
        case str():
            return cut(str(value))
        case bytes() | bytearray() | memoryview():
            return cut(bytes(value).decode("utf-8", "backslashreplace"))
        case Enum():
            return plain(value.value, depth)
        case bool() | int() | float() | None:
            return value
        case Mapping() if depth:
            return {str(plain(name)): plain(inner, depth - 1) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [plain(inner, depth - 1) for inner in value]
        case _:
            return cut(str(value))


def cut(text: str) -> str:
    """At most ``LONGEST`` characters; what was longer says its length, and a hash to compare it by."""
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:LONGEST]}… ({len(text)} characters, sha256 {digest[:16]})"


def _encoded(fields: Mapping[str, Any]) -> bytes:
    try:
        return _encode(fields)
    except (ValueError, OverflowError):  # half a surrogate pair, or a number without end
        return _encode(_encodable(dict(fields)))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int) and value.bit_length() > 64:
        return hex(value)
    if isinstance(value, dict):
        return {_encodable(name): _encodable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_encodable(inner) for inner in value]
    return value


def _escaped(line: str) -> str:
    # C1 controls, DEL, U+2028, bidi overrides, invisible characters: none of them is printable
    return "".join(c if c.isprintable() else _json_escape(c) for c in line)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _flat(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        simple = plain(value)
        if isinstance(simple, dict):
            yield from ((f"{name}.{inner}", item) for inner, item in simple.items())
        elif simple not in ("", None):
            yield name, simple


def _word(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if re.fullmatch(r"[!#-&(-<>-\[\]-~]+", text) else repr(text)
