"""A configuration with an archive that is filled as the proxy fills it."""

from __future__ import annotations

from pathlib import Path

from mailproxy.archive.maildir import MaildirArchive
from mailproxy.guards.memory import Message
from mailproxy.store.store import Store

NOW = 1_700_000_000.0
NOW_UTC = "2023-11-14T22:13:20+00:00"
DATE = "17-Jul-1996 02:44:25 -0700"
TEXT = b"From: a\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\tau lait\r\n\r\nbody \x1b]0;owned\x07\xff\r\n.\r\n"

UPSTREAM = """
[upstream.{name}]
host = "127.0.0.1"
{more}
"""
LISTENER = """
[[listener]]
protocol = "imap"
address = "127.0.0.1:1993"
tls = "implicit"
upstream = "main"
"""


def configure(folder: Path, upstreams: dict[str, str]) -> Path:
    """A configuration file; each upstream has these further lines."""
    path = folder / "mailproxy.toml"
    text = "".join(UPSTREAM.format(name=name, more=more) for name, more in upstreams.items())
    path.write_text('state = "state"\n' + text + LISTENER)
    return path


def open_store(config: Path) -> Store:
    """The store of that configuration."""
    return Store(f"sqlite:///{config.parent}/state/mailproxy.db")


def archive(
    config: Path,
    store: Store,
    id_: str,
    user: str = "aiko",
    text: bytes = TEXT,
    flags: tuple[str, ...] = (),
    upstream: str = "main",
    date: str = DATE,
) -> Path:
    """Archives a message; the path of its file."""
    folder = config.parent / "state" / "archive"
    message = Message(upstream, user, "imap", "INBOX", id_, date, flags, "archive-all")
    writing = MaildirArchive(folder, store.archive, "here").begin(message)
    assert writing is not None
    writing.write(text)
    writing.finish(NOW)
    return folder / max(store.archive.listing(), key=lambda row: row.id).file


def forget(file: Path) -> str:
    """A file beside this one that has no row, as after a crash; the id by which it is known."""
    copy = file.with_name("1600000000.M1P2Rabc.here,S=3")
    copy.write_bytes(b"x\r\n")
    return copy.name
