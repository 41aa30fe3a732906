"""What the proxy wrote beside a session, without names: facts stay, explanations are left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mailproxy.capture import comments
from mailproxy.capture.anonymous_lines import pop3_reply, smtp_reply
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.anonymous_words import MECHANISMS, SAID, VERBS
from mailproxy.capture.comments import Remark

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_WORDS = frozenset(("client", "server", "pop3", "imap", "smtp", "(unknown)", "(greeting)"))
_VERDICTS = re.compile(r"[a-z][a-z_-]{0,20}")

_Keep = Callable[[Names, Any], Any]


def anonymous_remark(names: Names, remark: Remark) -> str | None:
    """The comment as it may stand in an anonymous capture; None when nothing of it may."""
    known = _FIELDS.get(remark.word)
    if known is None:
        return None
    fields = {
        name: keep(names, remark.fields[name])
        for name, keep in known.items()
        if remark.fields.get(name) is not None
    }
    return comments.write(remark.word, **fields)


def _named(names: Names, value: Any) -> str:
    return names.text(str(value).encode("utf-8", "backslashreplace")).decode("utf-8", "replace")


def _octets(value: object) -> bytes:
    return str(value).encode("utf-8", "replace")


def _id(names: Names, value: Any) -> str:
    return _named(names, str(value)[:64])


def _word(names: Names, value: Any) -> str:
    return value if isinstance(value, str) and value in _WORDS else ""


def _verb(names: Names, value: Any) -> str:
    return value if isinstance(value, str) and (value in _WORDS or _octets(value) in VERBS) else ""


def _mechanism(names: Names, value: Any) -> str:
    return value if isinstance(value, str) and _octets(value.upper()) in MECHANISMS | VERBS else ""


def _version(names: Names, value: Any) -> str:
    """Of TLS: it comes from a library, and from nobody who sends mail."""
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else ""


def _code(names: Names, value: Any) -> str:
    """A word of this program's own, or a status."""
    return (
        value if isinstance(value, str) and re.fullmatch(r"[a-z_-]{1,24}|[A-Z]{1,8}|[0-9]{3}", value) else ""
    )


def _command(names: Names, value: Any) -> str:
    return names.text(_octets(value), VERBS).decode("utf-8", "replace")


def _reply(names: Names, value: Any) -> str:
    line = _octets(value)
    if line[:1] in (b"+", b"-"):
        return pop3_reply(names, line, "STLS").decode("utf-8", "replace")
    if line[:1].isdigit():
        return smtp_reply(names, line, "STARTTLS").decode("utf-8", "replace")
    return names.text(line, SAID).decode("utf-8", "replace")


def _number(names: Names, value: Any) -> float | None:
    return value if isinstance(value, int | float) else None


def _counts(names: Names, value: Any) -> dict[str, int] | None:
    if not isinstance(value, dict):
        return None
    return {
        name: count for name, count in value.items() if _VERDICTS.fullmatch(name) and isinstance(count, int)
    }


_FIELDS: dict[str, dict[str, _Keep]] = {
    "session": {"id": _id, "leg": _word, "protocol": _word},
    "tls": {"side": _word, "version": _version, "cipher": _version},
    "starttls": {"command": _command, "reply": _reply},
    "login": {"user": _named, "mechanism": _mechanism, "tls": _number},
    "login_failed": {"user": _named, "mechanism": _mechanism},
    "verdict": {"verb": _verb, "verdict": _code, "status": _code, "rule": _named},
    "would_have": {"verb": _verb, "rule": _named, "action": _code},
    "anomaly": {"name": _code},
    "failure": {"fault": _code},
    "lost": {"octets": _number},
    "end": {"user": _named, "seconds": _number, "commands": _number, "verdicts": _counts},
}
