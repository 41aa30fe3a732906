"""What only shows when the parts of a configuration are seen together."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from mailproxy.config.addresses import check_host, is_loopback, same_place, split_address
from mailproxy.config.building import Report, did_you_mean
from mailproxy.config.errors import KeyPath, shown
from mailproxy.config.model import Config, Listener, Upstream
from mailproxy.config.store import sqlite_file, wrong

ADDRESS_HINT = 'Write it as "127.0.0.1:1993", "[::1]:1993" or "0.0.0.0:1993"'


def check(config: Config, report: Report) -> None:
    """Reports everything that the single values did not show."""
    _tls(config, report)
    if config.capture.total_octets < config.capture.file_octets:
        cause = "one file of file_octets would be more than all files together may have"
        report(("capture", "total_octets"), cause, "Raise it, or write a smaller file_octets")
    for name, upstream in config.upstream.items():
        _upstream(upstream, ("upstream", name), report)
    taken: dict[tuple[str, int], str] = {}
    names: dict[str, int] = {}
    for index, listener in enumerate(config.listener):
        at: KeyPath = ("listener", index)
        _addresses(listener, at, taken, report)
        _upstream_of(listener, at, config, report)
        _listener_tls(listener, at, report)
        _name(listener, index, names, report)
    _text(config.log.file, ("log", "file"), report)
    _store(config.store.url, ("store", "url"), report)
    for index, pattern in enumerate(config.rules.files):
        _pattern(pattern, ("rules", "files", index), report)


def _tls(config: Config, report: Report) -> None:
    tls = config.tls
    if (tls.certificate is None) != (tls.key is None):
        have, lack = ("certificate", "key") if tls.key is None else ("key", "certificate")
        report(("tls", have), f'"{have}" stands without "{lack}"', f'Add "{lack}", or remove both')
    _file(tls.certificate, ("tls", "certificate"), report)
    _file(tls.key, ("tls", "key"), report)
    if not tls.names and tls.certificate is None:
        report(("tls", "names"), "certificates would be minted for no name", 'Name at least "localhost"')
    for index, name in enumerate(tls.names):
        try:
            check_host(name)
        except ValueError as error:
            report(("tls", "names", index), f"{shown(name)}: {error}", "")


def _store(url: str, at: KeyPath, report: Report) -> None:
    problem, file = wrong(url), sqlite_file(url)
    if problem is not None:
        report(at, *problem)
    elif file is not None and file.is_dir():
        report(at, f"{shown(str(file))} is a folder", "Name the file in it")


def _upstream(upstream: Upstream, at: KeyPath, report: Report) -> None:
    try:
        check_host(upstream.host)
    except ValueError as error:
        report((*at, "host"), f"{shown(upstream.host)}: {error}", "")
    _file(upstream.ca_file, (*at, "ca_file"), report)
    endpoints = {name: upstream.endpoint(name) for name in ("imap", "pop3", "smtp")}
    if not any(endpoints.values()):
        hint = 'Add one such as imap = { port = 993, tls = "implicit" }'
        report(at, "this upstream has no imap, no pop3 and no smtp", hint)
    for name, endpoint in endpoints.items():
        plain = endpoint is not None and endpoint.tls == "none"
        if plain and not upstream.allow_plaintext and not is_loopback(upstream.host):
            cause = f"passwords and mail would go to {shown(upstream.host)} in clear"
            hint = 'Use tls = "implicit" or "starttls"; if it must be, say allow_plaintext = true'
            report((*at, name, "tls"), cause, hint)


def _addresses(listener: Listener, at: KeyPath, taken: dict[tuple[str, int], str], report: Report) -> None:
    if not listener.address:
        report((*at, "address"), "there is no address to listen on", ADDRESS_HINT)
    for address in listener.address:
        try:
            place = same_place(address)
            split_address(address)
        except ValueError as error:
            report((*at, "address"), f"{shown(address)}: {error}", ADDRESS_HINT)
            continue
        if place in taken:
            report((*at, "address"), f"{shown(address)} is taken by {taken[place]}", "Choose another port")
        elif place[1]:  # port 0 is another one each time
            taken[place] = listener.name


def _upstream_of(listener: Listener, at: KeyPath, config: Config, report: Report) -> None:
    upstream = config.upstream.get(listener.upstream)
    if upstream is None:
        cause = f"there is no [upstream.{shown(listener.upstream)[1:-1]}]"
        hint = did_you_mean(listener.upstream, config.upstream) if config.upstream else "Add it"
        report((*at, "upstream"), cause, hint)
    elif upstream.endpoint(listener.protocol) is None:
        cause = f"upstream {shown(listener.upstream)} has no {listener.protocol}"
        hint = f'Add {listener.protocol} = {{ port = …, tls = "…" }} to it'
        report((*at, "upstream"), cause, hint)


def _listener_tls(listener: Listener, at: KeyPath, report: Report) -> None:
    if listener.require_tls and listener.tls == "none":
        hint = 'Use tls = "starttls", or remove require_tls'
        report((*at, "require_tls"), 'with tls = "none" nobody could ever log in', hint)


def _name(listener: Listener, index: int, names: dict[str, int], report: Report) -> None:
    if listener.name == default_name(listener):
        return  # its address is checked by itself, and port 0 may be asked for twice
    if len(listener.name) > 100 or not re.fullmatch(r"[!-~]+", listener.name):
        report(("listener", index, "name"), "a name is 1 to 100 visible ASCII characters", "")
    first = names.setdefault(listener.name, index)
    if first != index:
        report(("listener", index, "name"), f"listener {first} has the same name", "Give it another")


def default_name(listener: Listener) -> str:
    """What a listener is called in logs and rules when the file does not say."""
    return f"{listener.protocol}@{next(iter(listener.address), '')}"


def _file(path: Path | None, at: KeyPath, report: Report) -> None:
    if path is None:
        return
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            report(at, f"{shown(str(path))} is a folder", "Name the file in it")
        elif not os.access(path, os.R_OK):
            report(at, f"{shown(str(path))} may not be read", "Look at its owner and mode")
    except FileNotFoundError:
        report(at, f"{shown(str(path))} does not exist", "A relative path begins at this file's folder")
    except OSError as error:
        report(at, f"{shown(str(path))} cannot be read: {error.strerror}", "")


def _text(value: str, at: KeyPath, report: Report) -> None:
    if not value or not value.isprintable():
        report(at, "a path is empty or holds control characters", "")


def _pattern(pattern: str, at: KeyPath, report: Report) -> None:
    _text(pattern, at, report)
    if pattern.isprintable() and not re.search(r"[*?\[]", pattern):
        _file(Path(pattern), at, report)
