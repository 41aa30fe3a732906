"""Tables into Structs: every problem named, no mistake hiding the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailproxy.config.building import build, describe, did_you_mean
from mailproxy.config.model import Config, Endpoint, Limits, Listener, Port, Rules, Seconds, Tls, Upstream

BASE = Path("/base")


def built(kind: type[msgspec.Struct], raw: object) -> tuple[Any, list[tuple[str, str, str]]]:
    """The Struct, and the problems as key, cause and hint."""
    said: list[tuple[str, str, str]] = []
    found = build(kind, raw, ("t",), BASE, lambda at, cause, hint: said.append((str(at[-1]), cause, hint)))
    assert (found is None) == bool(said)
    return found, said


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (Endpoint, {"port": 993, "tls": "implicit"}, Endpoint(993, "implicit")),
        (Tls, {"key": "k.pem"}, Tls(key=BASE / "k.pem")),
        (Tls, {"key": "/k.pem", "names": ["a", "b"]}, Tls(key=Path("/k.pem"), names=("a", "b"))),
        (Rules, {}, Rules()),
        (
            Upstream,
            {"host": "a", "imap": {"port": 1, "tls": "none"}},
            Upstream("a", imap=Endpoint(1, "none")),
        ),
    ],
)
def test_what_fits(kind: type[msgspec.Struct], raw: object, expected: object) -> None:
    assert built(kind, raw) == (expected, [])


def test_tables_of_tables_and_lists_of_tables() -> None:
    raw = {
        "state": "s",
        "upstream": {"main": {"host": "a", "pop3": {"port": 1, "tls": "none"}}},
        "listener": [{"protocol": "pop3", "address": ["a:1"], "tls": "none", "upstream": "main"}],
    }
    config, _ = built(Config, raw)
    assert config.state == BASE / "s"
    assert config.upstream["main"].pop3.port == 1
    assert config.listener == (Listener("pop3", ("a:1",), "none", "main"),)


@pytest.mark.parametrize(
    ("kind", "raw", "key", "cause", "hint"),
    [
        (Endpoint, 5, "t", "5 stands where a table is expected", "Write [t], its keys below it"),
        (Endpoint, {"port": 1}, "t", '"tls" is missing', 'It is one of "implicit", "starttls", "none"'),
        (Endpoint, {"port": 0, "tls": "none"}, "port", "0 is not a whole number from 1 to 65535", ""),
        (
            Endpoint,
            {"port": "1", "tls": "none"},
            "port",
            '"1" is not a whole number',
            "Write it without quotes",
        ),
        (Endpoint, {"port": 1, "tls": "nome"}, "tls", '"nome" is not one of', 'Did you mean "none"?'),
        (Endpoint, {"port": 1, "tls": 1}, "tls", "1 is not one of", ""),
        (Endpoint, {"port": 1, "tls": "none", "prot": 1}, "prot", "no such key", 'Did you mean "port"?'),
        (Tls, {"key": ""}, "key", '"" is not a path in quotes', ""),
        (Tls, {"key": 1}, "key", "1 is not a path in quotes", ""),
        (Tls, {"key": "a\0"}, "key", "is not a path in quotes", ""),
        (Tls, {"names": "a"}, "names", '"a" is not a list of texts in quotes', "Put it into brackets"),
        (
            Upstream,
            {"host": "a", "allow_plaintext": "yes"},
            "allow_plaintext",
            "true or false",
            "without quotes",
        ),
        (Limits, {"login_seconds": 0}, "login_seconds", "0 is not a number above 0 up to 604800", ""),
        (Limits, {"sessions": 1 << 99}, "sessions", "a very large number is not", ""),
        (Upstream, {"host": "a", "imap": 1}, "imap", "1 stands where a table is expected", ""),
    ],
)
def test_what_does_not_fit(kind: type[msgspec.Struct], raw: object, key: str, cause: str, hint: str) -> None:
    _, (problem,) = built(kind, raw)
    assert problem[0] == key
    assert cause in problem[1]
    assert hint in problem[2]


def test_one_mistake_does_not_hide_the_next() -> None:
    raw = {
        "state": 1,
        "workers": -1,
        "upstream": {"a": 1, "b": {"host": "b", "hots": "c"}},
        "listener": [2, {}],
        "log": {"level": "loud"},
    }
    _, problems = built(Config, raw)
    said = [key for key, _, _ in problems]
    assert said == ["state", "a", "hots", "0", "1", "1", "1", "1", "workers", "level"]


@pytest.mark.parametrize(("raw", "key"), [({"upstream": 5}, "upstream"), ({"listener": 5}, "listener")])
def test_what_should_be_many_tables(raw: dict[str, object], key: str) -> None:
    _, problems = built(Config, {"state": "s", "upstream": {}, "listener": [], **raw})
    assert [(one, cause) for one, cause, _ in problems] == [
        (key, "5 is not " + ("a table" if key == "upstream" else "a list of tables"))
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Port, "a whole number from 1 to 65535"),
        (Seconds, "a number above 0 up to 604800"),
        (bool, "true or false"),
        (Path | None, "a path in quotes"),
        (tuple[str, ...], "a list of texts in quotes"),
        (tuple[Listener, ...], "a list of tables"),
        (Endpoint, "a table"),
    ],
)
def test_what_a_field_takes_in_words(kind: object, words: str) -> None:
    assert describe(kind) == words


def test_the_nearest_word() -> None:
    assert did_you_mean("Imap", ("imap", "pop3")) == 'Did you mean "imap"?'
    assert did_you_mean("zzz", ("imap", "pop3")) == "Known here: imap, pop3"
