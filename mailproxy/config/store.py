"""The URL of the store: completed, checked, and shown without its password."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from mailproxy.config.model import Config

PASSWORD_VARIABLE = "MAILPROXY_STORE_PASSWORD"  # noqa: S105  (the name of a variable)

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql://"

_KINDS_HINT = 'Write "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"'
_DATABASE_HINT = 'Write "postgresql://USER@HOST:5432/DATABASE"'
_SERVER = re.compile(
    r"postgresql://(?:(?P<user>[^:/?#]*)(?::(?P<password>[^/?#]*))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/?#@\[\]]*)(?::(?P<port>[0-9]*))?"
    r"(?:/(?P<database>[^?#]*))?(?:\?(?P<query>[^#]*))?"
)


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file. In it ``%`` and ``?`` are escaped, as both mean something there."""
    return SQLITE + str(file).replace("%", "%25").replace("?", "%3F")


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for another database."""
    return Path(unquote(url.removeprefix(SQLITE))) if url.startswith(SQLITE) else None


def complete(url: str, base: Path) -> str:
    """The URL with a SQLite file as an absolute path; one that is wrong stays as it is."""
    file = sqlite_file(url)
    return url if file is None or wrong(url) else sqlite_url(Path(os.path.abspath(base / file)))


def wrong(url: str) -> tuple[str, str] | None:
    """What is wrong with a URL, as cause and hint; both are without the URL, which may hold a password."""
    if not url.isprintable():
        return "the URL holds control characters", _KINDS_HINT
    if url.startswith(SQLITE):
        return _wrong_file(url)
    if url.startswith(POSTGRESQL):
        return _wrong_server(url)
    if url.startswith("sqlite:"):
        return (
            "this names no file",
            'Write "sqlite:///FILE": three slashes, and a fourth for an absolute path',
        )
    if url.startswith(("postgres:", "postgresql+")):
        return "this is no URL of a store", f'Begin it with "{POSTGRESQL}"'
    return "this is no URL of a store", _KINDS_HINT


def _wrong_file(url: str) -> tuple[str, str] | None:
    name = url.removeprefix(SQLITE)
    if "?" in name:
        return "a SQLite URL takes no options", "Remove what stands from the ? on; in a name it is %3F"
    if name in ("", ":memory:"):
        return "what is kept would be forgotten at the end", 'Name a file: "sqlite:///state/mailproxy.db"'
    if not unquote(name).isprintable() or name.endswith("/"):
        return "this is no name of a file", 'Write for example "sqlite:///state/mailproxy.db"'
    return None


def _wrong_server(url: str) -> tuple[str, str] | None:
    parts = _SERVER.fullmatch(url)
    if parts is None or (parts["password"] and "@" in parts["password"]):
        hint = "Write @ as %40, : as %3A, / as %2F, ? as %3F and # as %23 in a user or password"
        return "this is no URL of a PostgreSQL database", hint
    if parts["port"] is not None and not 1 <= int(parts["port"][:6] or 0) <= 65535:
        return "its port is not a number from 1 to 65535", _DATABASE_HINT
    if not parts["database"]:
        return "it names no database", _DATABASE_HINT
    if re.search(r"(?:^|&)\s*(?:ssl)?password=", unquote(parts["query"] or ""), re.IGNORECASE):
        return "a password stands among its options", f"Set {PASSWORD_VARIABLE}, or write it behind the user"
    return None


def without_password(url: str) -> str:
    """The URL as it may be shown to anybody."""
    return re.sub(r"(?<=://)([^:/?#]*):.*@", r"\1:***@", url, flags=re.DOTALL)


def store_url(config: Config, environment: Mapping[str, str]) -> str:
    """The URL to open the store with: for nobody's eyes.

    A PostgreSQL password that the file does not have is taken from :data:`PASSWORD_VARIABLE`.
    """
    url, password = config.store.url, environment.get(PASSWORD_VARIABLE, "")
    parts = _SERVER.fullmatch(url)
    if parts is None or parts["password"] or not password:
        return url
    behind = url[parts.start("host") :]
    return f"{POSTGRESQL}{parts['user'] or ''}:{quote(password, safe='')}@{behind}"
