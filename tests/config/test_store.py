"""The URL of the store: completed, checked, and shown without its password."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mailproxy.config.model import Config, Store
from mailproxy.config.store import (
    PASSWORD_VARIABLE,
    complete,
    sqlite_file,
    sqlite_url,
    store_url,
    without_password,
    wrong,
)

BASE = Path("/base")


@pytest.mark.parametrize(
    ("url", "completed"),
    [
        ("sqlite:///state/m.db", "sqlite:////base/state/m.db"),
        ("sqlite:///../m.db", "sqlite:////m.db"),
        ("sqlite:////var/m.db", "sqlite:////var/m.db"),
        ("sqlite:///a%20b%3F%25#.db", "sqlite:////base/a b%3F%25#.db"),
        ("sqlite:///", "sqlite:///"),
        ("postgresql://u:p@h:5432/d?sslmode=require", "postgresql://u:p@h:5432/d?sslmode=require"),
        ("nonsense", "nonsense"),
    ],
)
def test_complete(url: str, completed: str) -> None:
    assert complete(url, BASE) == completed
    assert complete(completed, Path("/elsewhere")) == completed


@pytest.mark.parametrize("name", ["/a/b.db", "/a b/ü.db", "/100%/what?/x%3F.db", "/a#b"])
def test_a_file_and_its_url(name: str) -> None:
    url = sqlite_url(Path(name))
    assert sqlite_file(url) == Path(name)
    assert wrong(url) is None


def test_a_server_is_no_file() -> None:
    assert sqlite_file("postgresql:///d") is None


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///m.db",
        "postgresql:///d",
        "postgresql://h/d",
        "postgresql://u@h/d",
        "postgresql://u:p%40%2F@h:5432/d",
        "postgresql://u:@h/d",
        "postgresql://u@[::1]:5432/d",
        "postgresql:///d?host=/var/run/postgresql&user=u",
    ],
)
def test_what_is_fine(url: str) -> None:
    assert wrong(url) is None


@pytest.mark.parametrize(
    ("url", "cause", "hint"),
    [
        ("mysql://u:hush@h/d", "no URL of a store", '"sqlite:///FILE"'),
        ("m.db", "no URL of a store", '"sqlite:///FILE"'),
        ("SQLITE:///m.db", "no URL of a store", '"sqlite:///FILE"'),
        ("sqlite:///m\n.db", "control characters", "sqlite:///FILE"),
        ("sqlite:///m%0A.db", "no name of a file", "sqlite:///state/mailproxy.db"),
        ("sqlite:///state/", "no name of a file", "sqlite:///state/mailproxy.db"),
        ("sqlite://m.db", "names no file", "three slashes"),
        ("sqlite://", "names no file", "three slashes"),
        ("sqlite:///", "would be forgotten", "Name a file"),
        ("sqlite:///:memory:", "would be forgotten", "Name a file"),
        ("sqlite:///m.db?mode=ro", "takes no options", "%3F"),
        ("postgres://u:hush@h/d", "no URL of a store", '"postgresql://"'),
        ("postgresql+psycopg://u:hush@h/d", "no URL of a store", '"postgresql://"'),
        ("postgresql://u:hu@sh@h/d", "no URL of a PostgreSQL database", "%40"),
        ("postgresql://u:hu/sh@h/d", "no URL of a PostgreSQL database", "%2F"),
        ("postgresql://u:hu#sh@h/d", "no URL of a PostgreSQL database", "%23"),
        ("postgresql://u:hush@h:x/d", "no URL of a PostgreSQL database", "%3A"),
        ("postgresql://u:hush@h:0/d", "port", "5432"),
        ("postgresql://u:hush@h:65536/d", "port", "5432"),
        ("postgresql://u:hush@h:/d", "port", "5432"),
        ("postgresql://u:hush@h", "no database", "/DATABASE"),
        ("postgresql://u:hush@h/", "no database", "/DATABASE"),
        ("postgresql://h/d?user=u&password=hush", "a password stands among its options", PASSWORD_VARIABLE),
        ("postgresql://h/d?p%61ssword=hush", "a password stands among its options", PASSWORD_VARIABLE),
        ("postgresql://h/d?sslpassword=hush", "a password stands among its options", PASSWORD_VARIABLE),
    ],
)
def test_what_is_wrong(url: str, cause: str, hint: str) -> None:
    problem = wrong(url)
    assert problem is not None
    assert cause in problem[0]
    assert hint in problem[1]
    assert "hu" not in " ".join(problem)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:hush@h/d", "postgresql://u:***@h/d"),
        ("postgresql://:hush@/d", "postgresql://:***@/d"),
        ("postgresql://u:h@u/s?h\n@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("sqlite:////a@b/m.db", "sqlite:////a@b/m.db"),
    ],
)
def test_without_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def configured(url: str) -> Config:
    return Config(Path("/state"), {}, (), store=Store(url))


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("postgresql://u@h:1/d?a=b", "postgresql://u:p%40%2F%25@h:1/d?a=b"),
        ("postgresql://u:@h/d", "postgresql://u:p%40%2F%25@h/d"),
        ("postgresql://u@example.org@h/d", "postgresql://u@example.org:p%40%2F%25@h/d"),
        ("postgresql:///d", "postgresql://:p%40%2F%25@/d"),
        ("postgresql://u:own@h/d", "postgresql://u:own@h/d"),
        ("sqlite:////m.db", "sqlite:////m.db"),
    ],
)
def test_a_password_of_the_environment(url: str, opened: str) -> None:
    assert store_url(configured(url), {PASSWORD_VARIABLE: "p@/%"}) == opened
    assert store_url(configured(url), {PASSWORD_VARIABLE: ""}) == url
    assert store_url(configured(url), {}) == url


def test_the_library_reads_a_url_as_we_do() -> None:
    from sqlalchemy import make_url

    url = make_url(store_url(configured("postgresql://u@[::1]:1/d"), {PASSWORD_VARIABLE: "p@:/?#% +ü"}))
    assert (url.username, url.password, url.host, url.port, url.database) == (
        *("u", "p@:/?#% +ü", "::1", 1, "d"),
    )
    assert make_url(sqlite_url(Path("/a b/ü#.db"))).database == "/a b/ü#.db"


def test_no_repr_has_the_password() -> None:
    from rich.pretty import pretty_repr

    config = configured("postgresql://u:hush@h/d")
    assert "u:***@h" in repr(config)
    for text in (
        repr(config),
        str(config.store),
        f"{config}",
        pretty_repr(config),
        pretty_repr(config.store),
    ):
        assert "hush" not in text
    assert msgspec.structs.replace(config.store).url == "postgresql://u:hush@h/d"
