"""What only shows when the parts of a configuration are seen together."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from mailproxy.config.checks import check, default_name
from mailproxy.config.errors import dotted
from mailproxy.config.model import Capture, Config, Endpoint, Listener, Log, Rules, Store, Tls, Upstream

IMAP = Endpoint(993, "implicit")
MAIN = Upstream("127.0.0.1", imap=IMAP)
LISTENER = Listener("imap", ("127.0.0.1:1993",), "implicit", "main", name="imap@127.0.0.1:1993")
STORE = Store("sqlite:////state/mailproxy.db")
GOOD = Config(Path("/state"), {"main": MAIN}, (LISTENER,), store=STORE)
replace = msgspec.structs.replace


def problems(config: Config) -> list[tuple[str, str, str]]:
    """Key, cause and hint of all that is said."""
    said: list[tuple[str, str, str]] = []
    check(config, lambda at, cause, hint: said.append((dotted(at), cause, hint)))
    return said


def with_listener(**changed: object) -> Config:
    return replace(GOOD, listener=(replace(LISTENER, **changed),))


def with_second(**changed: object) -> Config:
    second = replace(LISTENER, **{"address": ("127.0.0.1:2000",), "name": "second", **changed})
    return replace(GOOD, listener=(LISTENER, second))


def with_upstream(**changed: object) -> Config:
    return replace(GOOD, upstream={"main": replace(MAIN, **changed)})


@pytest.mark.parametrize(
    "config",
    [
        GOOD,
        with_listener(name="x" * 100),
        with_listener(tls="starttls", require_tls=True),
        with_second(),
        with_second(address=("[::1]:1993",)),
        replace(GOOD, listener=(replace(LISTENER, address=("a:0", "a:0")),)),
        with_upstream(imap=Endpoint(143, "none")),
        with_upstream(host="a.example", imap=Endpoint(143, "none"), allow_plaintext=True),
        replace(GOOD, tls=Tls(certificate=Path(__file__), key=Path(__file__), names=())),
        replace(GOOD, rules=Rules(("/nowhere/*.toml", __file__))),
    ],
)
def test_what_is_fine(config: Config) -> None:
    assert problems(config) == []


@pytest.mark.parametrize(
    ("config", "key", "cause", "hint"),
    [
        (
            replace(GOOD, tls=Tls(certificate=Path(__file__))),
            "tls.certificate",
            '"certificate" stands without "key"',
            'Add "key"',
        ),
        (replace(GOOD, tls=Tls(key=Path(__file__))), "tls.key", '"key" stands without "certificate"', "Add"),
        (replace(GOOD, tls=Tls(names=())), "tls.names", "for no name", 'at least "localhost"'),
        (replace(GOOD, tls=Tls(names=("a", "a b"))), "tls.names[1]", '"a b": this is neither', ""),
        (with_upstream(host="a:1"), "upstream.main.host", "the port does not belong here", ""),
        (
            with_upstream(ca_file=Path("/no")),
            "upstream.main.ca_file",
            '"/no" does not exist',
            "relative path",
        ),
        (with_upstream(ca_file=Path("/")), "upstream.main.ca_file", '"/" is a folder', "Name the file in it"),
        (
            with_upstream(ca_file=Path(__file__) / "x"),
            "upstream.main.ca_file",
            "cannot be read: Not a directory",
            "",
        ),
        (
            with_upstream(host="a.example", imap=Endpoint(143, "none")),
            "upstream.main.imap.tls",
            'passwords and mail would go to "a.example" in clear',
            "allow_plaintext = true",
        ),
        (with_listener(address=()), "listener[0].address", "there is no address", "[::1]:1993"),
        (with_listener(address=("1993",)), "listener[0].address", '"1993": it has no port', "127.0.0.1:1993"),
        (
            with_second(address=("127.0.0.1:01993",)),
            "listener[1].address",
            "is taken by imap@127.0.0.1:1993",
            "another port",
        ),
        (with_listener(upstream="mian"), "listener[0].upstream", "no [upstream.mian]", '"main"'),
        (with_listener(protocol="pop3"), "listener[0].upstream", '"main" has no pop3', "Add pop3 ="),
        (
            with_listener(tls="none", require_tls=True),
            "listener[0].require_tls",
            "nobody could ever log in",
            'Use tls = "starttls"',
        ),
        (with_listener(name="a b"), "listener[0].name", "visible ASCII", ""),
        (with_listener(name="x" * 101), "listener[0].name", "1 to 100", ""),
        (replace(GOOD, log=Log("a\0b")), "log.file", "control characters", ""),
        (replace(GOOD, rules=Rules(("/no/r.toml",))), "rules.files[0]", '"/no/r.toml" does not exist', ""),
        (replace(GOOD, rules=Rules(("/no/*\n",))), "rules.files[0]", "control characters", ""),
    ],
)
def test_what_is_wrong(config: Config, key: str, cause: str, hint: str) -> None:
    (problem,) = problems(config)
    assert problem[0] == key
    assert cause in problem[1]
    assert hint in problem[2]


def test_an_upstream_for_no_protocol() -> None:
    config = replace(GOOD, upstream={"main": MAIN, "empty": Upstream("a.example")})
    assert [(key, cause) for key, cause, _ in problems(config)] == [
        ("upstream.empty", "this upstream has no imap, no pop3 and no smtp")
    ]


def test_no_upstream_at_all() -> None:
    assert [(cause, hint) for _, cause, hint in problems(replace(GOOD, upstream={}))] == [
        ("there is no [upstream.main]", "Add it")
    ]


def test_the_same_name_twice() -> None:
    first, second = (replace(LISTENER, name="a", address=(f"127.0.0.1:{port}",)) for port in (1, 2))
    said = problems(replace(GOOD, listener=(first, second)))
    assert said == [("listener[1].name", "listener 0 has the same name", "Give it another")]


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (problem,) = problems(with_upstream(ca_file=Path(__file__)))
    assert problem[1:] == (
        f'"{__file__[:60]}{"…" if len(__file__) > 60 else ""}" may not be read',
        "Look at its owner and mode",
    )


def test_a_listener_is_called_after_its_first_address() -> None:
    assert default_name(LISTENER) == "imap@127.0.0.1:1993"
    assert default_name(replace(LISTENER, address=())) == "imap@"


def test_captures_that_would_not_fit() -> None:
    files = replace(GOOD, capture=Capture(file_octets=70_000, total_octets=69_999))
    assert problems(files) == [
        (
            "capture.total_octets",
            "one file of file_octets would be more than all files together may have",
            "Raise it, or write a smaller file_octets",
        )
    ]
    assert problems(replace(GOOD, capture=Capture(file_octets=70_000, total_octets=70_000))) == []
