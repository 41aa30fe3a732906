"""A configuration with a real store that is filled through its own methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailproxy.guards.memory import Mark, ViewKey
from mailproxy.store.store import Store

CONFIG = """\
state = "state"
[rules]
files = ["rules.toml"]
[upstream.main]
host = "127.0.0.1"
pop3 = { port = 995, tls = "implicit" }
[[listener]]
protocol = "pop3"
address = "127.0.0.1:1995"
tls = "implicit"
upstream = "main"
"""
RULES = """
[[rule]]
name = "no-dele"
on = ["pop3 DELE"]
do = "block"
[[rule]]
name = "watch-top"
on = ["pop3 TOP"]
do = "block"
mode = "observe"
"""

SINCE = 1_700_000_000.0
SINCE_UTC = "2023-11-14T22:13:20+00:00"

Keep = Callable[..., None]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration file, and beside it its rules; there is no store yet."""
    (tmp_path / "rules.toml").write_text(RULES)
    path = tmp_path / "mailproxy.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    """The store of that configuration, open as it is in a proxy that runs."""
    store = Store(f"sqlite:///{config.parent}/state/mailproxy.db")
    yield store
    store.close()


@pytest.fixture
def keep(store: Store) -> Keep:
    """Keeps messages of 1500 octets: ``keep("aiko", b"u1", b"u2", upstream="main", program="")``."""

    def keep(user: str, *uidls: bytes, upstream: str = "main", program: str = "") -> None:
        marks = [Mark(uidl, 1500) for uidl in uidls]
        store.kept.keep(ViewKey(upstream, user, program), marks, "keep-pop-mail", SINCE)

    return keep
