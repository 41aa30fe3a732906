"""The store of a configuration, opened for one command, and what every act on it has in common."""

from __future__ import annotations

import difflib
import os
import pwd
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.errors import complain, fail
from mailproxy.cli.names import utf8_name

if TYPE_CHECKING:
    from mailproxy.config import Config
    from mailproxy.store.store import Store

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
UpstreamOption = Annotated[
    str | None,
    typer.Option("--upstream", help="Only at this upstream of the configuration.", callback=utf8_name),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def configured(file: Path) -> Config:
    """The configuration in this file; or say what is wrong with it, and leave with 1."""
    from mailproxy.config import ConfigError, load

    try:
        return load(file)
    except ConfigError as error:
        complain(error)
        raise typer.Exit(1) from None


@contextmanager
def opened(config: Config) -> Iterator[Store]:
    """The store that the proxy uses. What fails in it is said, and the command leaves with 1.

    A SQLite file is never made here: it would belong to whoever calls, and the proxy could not write it.
    """
    from mailproxy.config.store import sqlite_file, store_url
    from mailproxy.guards.memory import MemoryFailed
    from mailproxy.store.errors import StoreError
    from mailproxy.store.store import Store

    file = sqlite_file(config.store.url)
    if file is not None and not file.exists():
        fail(f"{file}: there is no store yet; start mailproxy run first, or correct url in [store]")
    try:
        store = Store(store_url(config, os.environ))
        try:
            yield store
        finally:
            store.close()
    except (StoreError, MemoryFailed) as error:
        fail(str(error))


def record(store: Store, kind: str, upstream: str, user: str, **detail: object) -> None:
    """Write into the audit what was done, and who did it.

    Raises:
        MemoryFailed: that could not be written; what was done stays done.
    """
    from mailproxy.guards.memory import MemoryFailed

    try:
        store.audit.write(time.time(), kind, upstream, user, {**detail, "by": operator()})
    except MemoryFailed as error:
        raise MemoryFailed(f"it was done for {user}, but is not in the audit: {error}") from error


def operator() -> str:
    """Who calls: the name that he logged in with, also behind sudo; else the owner of the process."""
    try:
        return os.getlogin()
    except OSError:  # a service or a timer has no login
        pass
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def users_of(store: Store) -> set[str]:
    """All users that the store knows of.

    Raises:
        MemoryFailed: it cannot be read.
    """
    rows = (
        store.kept.listing(),
        store.brakes.holding(),
        store.lifts.active(time.time()),
        store.audit.rows(),
    )
    return {row.user for some in rows for row in some if row.user}


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean "…"?`` for the most similar of ``known``; nothing when none is similar."""
    names = {name.casefold(): name for name in sorted(known) if name != word}
    near = difflib.get_close_matches(word.casefold()[:100], names, n=1)
    return f'; did you mean "{names[near[0]]}"?' if near else ""
