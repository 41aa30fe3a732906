"""Reads a configuration file, and says everything that is wrong with it."""

from __future__ import annotations

import glob
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from mailproxy.config import checks
from mailproxy.config.building import build
from mailproxy.config.errors import ConfigError, KeyPath, dotted
from mailproxy.config.locate import line_of
from mailproxy.config.model import Config, Store
from mailproxy.config.store import complete, sqlite_url

LARGEST_FILE = 4 * 1024 * 1024  # octets; more is a mistake such as /dev/zero
STORE_FILE = "mailproxy.db"
CAPTURE_FOLDER = "captures"


def load(path: Path) -> Config:
    """The configuration in this file, with every default and path filled in.

    Raises:
        ConfigError: the first thing that is wrong; its ``others`` are the rest.
    """
    config, problems = examine(path)
    if config is None:
        problems[0].others = tuple(problems[1:])
        raise problems[0]
    return config


def examine(path: Path) -> tuple[Config | None, list[ConfigError]]:
    """The configuration, or None with all problems in the order of their lines."""
    file = Path(os.path.abspath(path))
    try:
        text = _read(path)
        raw = _parse(path, text)
    except ConfigError as error:
        return None, [error]

    problems: list[ConfigError] = []

    def report(at: KeyPath, cause: str, hint: str) -> None:
        problems.append(ConfigError(path, dotted(at), line_of(text, at), cause, hint))

    config = _build(raw, file.parent, report)
    if config is not None:
        checks.check(config, report)
    problems.sort(key=lambda problem: problem.line)
    return (None if problems else config), problems


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(path, "", 0, "there is no such file", "Say another with --config") from None
    except PermissionError:
        raise ConfigError(path, "", 0, "it may not be read", "Look at its owner and mode") from None
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise ConfigError(path, "", 0, f"it cannot be read: {cause}") from None
    if len(data) > LARGEST_FILE:
        raise ConfigError(path, "", 0, f"it is longer than {LARGEST_FILE} octets")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(path, "", 1, "it begins with a byte order mark", "Save it as UTF-8 without one")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, "", line, "this is not UTF-8", "Save the file as UTF-8") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        cause, line = str(error), text.count("\n") + 1
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", cause)
        if place:
            cause, line = cause[: place.start()], int(place[1] or line)
        raise ConfigError(path, "", line, f"this is not TOML: {cause}", "See https://toml.io") from None
    except (ValueError, RecursionError):
        raise ConfigError(path, "", 0, "it holds a number or a nesting beyond all measure") from None


def _build(raw: dict[str, Any], base: Path, report: Any) -> Config | None:
    """The Config, after what the file may leave out or write in short was filled in."""
    if not isinstance(raw.get("store", {}), dict):  # what stands there may hold a password: it is not shown
        report(("store",), "this is not a table", 'Write [store], and url = "…" below it')
        return None
    state = raw.get("state", str(default_state(os.environ)))
    listeners = raw.get("listener", [])
    if isinstance(listeners, dict):
        report(("listener",), "a listener is one of a list", "Write [[listener]] with two brackets")
        return None
    if not listeners:
        report(("listener",), "there is no [[listener]]: nothing would be served", "Add one")
    if isinstance(listeners, list):
        listeners = [_one_address(listener) for listener in listeners]
    full = {"upstream": {}, **raw, "state": state, "listener": listeners}
    config = build(Config, full, (), base, report)
    return None if config is None else _finish(config, base)


def _one_address(listener: Any) -> Any:
    if isinstance(listener, dict) and isinstance(listener.get("address"), str):
        return {**listener, "address": [listener["address"]]}
    return listener


def _finish(config: Config, base: Path) -> Config:
    replace = msgspec.structs.replace
    listeners = tuple(
        replace(
            listener,
            name=listener.name or checks.default_name(listener),
            require_tls=listener.tls == "starttls" if listener.require_tls is None else listener.require_tls,
        )
        for listener in config.listener
    )
    log = config.log if config.log.file == "-" else replace(config.log, file=str(base / config.log.file))
    patterns = tuple(os.path.join(glob.escape(str(base)), pattern) for pattern in config.rules.files)
    rules = replace(config.rules, files=patterns)
    store = Store(
        complete(config.store.url, base) if config.store.url else sqlite_url(config.state / STORE_FILE)
    )
    capture = replace(config.capture, folder=config.capture.folder or config.state / CAPTURE_FOLDER)
    return replace(config, listener=listeners, log=log, rules=rules, store=store, capture=capture)


def default_state(environment: Mapping[str, str]) -> Path:
    """The platform's folder for state, for the user who runs this.

    A relative XDG_STATE_HOME is ignored, as its specification demands.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/mailproxy")
    folder = environment.get("XDG_STATE_HOME", "")
    if os.path.isabs(folder):
        return Path(folder) / "mailproxy"
    return Path(os.path.expanduser("~")) / ".local" / "state" / "mailproxy"
