"""What is said about a mistake: the place, the cause, the fix, and nothing a terminal would obey."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.config.errors import ConfigError, dotted, printable, shown

FILE = Path("m.toml")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            ConfigError(FILE, "log.file", 3, "it is empty", "Name one"),
            "m.toml:3: log.file: it is empty. Name one.",
        ),
        (ConfigError(FILE, "log", 3, "it is empty"), "m.toml:3: log: it is empty."),
        (ConfigError(FILE, "log", 0, "it is missing"), "m.toml: log: it is missing."),
        (ConfigError(FILE, "", 7, "this is not TOML", "See it"), "m.toml:7: this is not TOML. See it."),
        (ConfigError(Path("a\x1b"), "", 0, "bad\u202e"), "a\\x1b: bad\\u202e."),
    ],
)
def test_the_text(error: ConfigError, text: str) -> None:
    assert str(error) == text
    assert error.others == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("log", "file"), "log.file"),
        (("listener", 0, "tls"), "listener[0].tls"),
        (("upstream", "a b", "imap"), 'upstream."a b".imap'),
        (("upstream", "\x1b"), 'upstream."\\x1b"'),
        ((), ""),
    ],
)
def test_key_paths(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (1.5, "1.5"),
        pytest.param(1 << 70000, "a very large number", id="beyond what str() takes"),
        ({"a": 1}, "a table"),
        ([1], "a list"),
        ((1,), "a list"),
        ("word", '"word"'),
        ("x" * 61, '"' + "x" * 60 + '…"'),
        ("\x1b[2J", '"\\x1b[2J"'),
    ],
)
def test_values(value: object, text: str) -> None:
    assert shown(value) == text


def test_printable_text_stays() -> None:
    text = "größer, 日本"
    assert printable(text) is text
