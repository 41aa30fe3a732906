"""What our proxy has noted on packets, in the words of a dialogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailproxy.capture.comments import Remark


def in_words(remark: Remark) -> str:
    """One line; empty for what a reader of the dialogue sees anyway."""
    say = _SAY.get(remark.word)
    return say(remark.fields) if say is not None else f"{remark.word} {_rest(remark.fields)}".rstrip()


def _nothing(fields: Mapping[str, Any]) -> str:
    return ""


def _verdict(fields: Mapping[str, Any]) -> str:
    verdict = _text(fields, "verdict")
    if verdict in ("", "forward"):
        return ""
    return f"{verdict}{_by(fields)}{_after(': ', _text(fields, 'why'))}"


def _would_have(fields: Mapping[str, Any]) -> str:
    return f"would have been: {_text(fields, 'action')}{_by(fields)}"


def _tls(fields: Mapping[str, Any]) -> str:
    words = " ".join(filter(None, (_text(fields, "version"), _text(fields, "cipher"))))
    return f"TLS with the {_text(fields, 'side')}{_after(': ', words)}"


def _starttls(fields: Mapping[str, Any]) -> str:
    command, reply = _text(fields, "command").strip(), _text(fields, "reply").strip()
    return f"not among the packets: {command} → {reply}; TLS begins here"


def _login(fields: Mapping[str, Any]) -> str:
    mechanism = _text(fields, "mechanism")
    return f"logged in as {_text(fields, 'user')}{f' ({mechanism})' if mechanism else ''}"


def _login_failed(fields: Mapping[str, Any]) -> str:
    mechanism = _text(fields, "mechanism")
    return f"not let in: {_text(fields, 'user')}{f' ({mechanism})' if mechanism else ''}"


def _capture(fields: Mapping[str, Any]) -> str:
    return f"recorded{_by(fields)}"


def _lost(fields: Mapping[str, Any]) -> str:
    octets = fields.get("octets")
    count = f"{octets:,} octets" if isinstance(octets, int) else "octets"
    return f"{count} were not written{_after(': ', _text(fields, 'why'))}"


def _end(fields: Mapping[str, Any]) -> str:
    seconds, commands = fields.get("seconds"), fields.get("commands")
    words = ["the session ended"]
    if isinstance(seconds, int | float):
        words.append(f"after {seconds:.3f} seconds")
    if isinstance(commands, int):
        words.append(f"and {commands:,} commands" if commands != 1 else "and 1 command")
    return " ".join(words) + _after(": ", _text(fields, "reason"))


def _rest(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items())


def _by(fields: Mapping[str, Any]) -> str:
    return _after(" by ", _text(fields, "rule"))


def _after(mark: str, text: str) -> str:
    return mark + text if text else ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else str(value)


_SAY = {
    "session": _nothing,
    "verdict": _verdict,
    "would_have": _would_have,
    "tls": _tls,
    "starttls": _starttls,
    "login": _login,
    "login_failed": _login_failed,
    "capture": _capture,
    "lost": _lost,
    "end": _end,
}
