"""Archived messages back onto the mail server, over IMAP."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from mailproxy.cli.errors import fail
from mailproxy.cli.opened import opened, record
from mailproxy.config.errors import printable

if TYPE_CHECKING:
    from mailproxy.archive.appender import Appender
    from mailproxy.cli.archived import Archived, Shelf
    from mailproxy.config import Config

PASSWORD_VARIABLE = "MAILPROXY_PASSWORD"  # noqa: S105  (the name of a variable)


def put_back(
    config: Config,
    shelf: Shelf,
    found: Sequence[Archived],
    mailbox: str,
    dry_run: bool,
) -> Iterator[tuple[str, str, int]]:
    """Puts the messages into ``mailbox`` of their users: user, upstream and how many, for each user.

    What fails is said, with what was done before, and the command leaves with 1. Before anything is
    sent, each message is known to be readable and each upstream to have IMAP, and it is said which of
    them get a new date, since their own cannot be sent.
    """
    for one in found:
        _reachable(config, one)
        shelf.open(one).close()
        _warn_of_date(one)
    owners = sorted(found, key=lambda one: (one.upstream, one.user))
    for (upstream, user), group in groupby(owners, key=lambda one: (one.upstream, one.user)):
        messages = list(group)
        if not dry_run:
            _put_back(config, shelf, messages, mailbox, password_of(user, upstream))
        yield user, upstream, len(messages)


def _put_back(
    config: Config, shelf: Shelf, messages: Sequence[Archived], mailbox: str, password: str
) -> None:
    from mailproxy.archive.appender import AppendFailed

    upstream, user = messages[0].upstream, messages[0].user
    done: list[str] = []
    problem = ""
    try:
        with _connected(config, upstream) as server:
            server.login(user, password)
            for one in messages:
                _append(server, shelf, one, mailbox)
                done.append(one.id)
    except (OSError, AppendFailed) as error:
        problem = _explained(error, config, upstream)
    if done:
        with opened(config) as store:
            record(store, "archive.restore", upstream, user, mailbox=mailbox, messages=done)
    if problem:
        ready = f"; already there: {', '.join(done)}" if done else "; nothing was restored"
        fail(f"{user} at {upstream}: {problem}{ready}")


def _append(server: Appender, shelf: Shelf, one: Archived, mailbox: str) -> None:
    from mailproxy.archive.dates import internaldate_of
    from mailproxy.archive.flags import restored_flags

    with shelf.open(one) as file:
        octets = os.fstat(file.fileno()).st_size
        received = one.received or internaldate_of(one.at)
        server.append(mailbox, restored_flags(one.flags), received, file, octets)


def _warn_of_date(one: Archived) -> None:
    from mailproxy.archive.dates import date_time

    if one.received and date_time(one.received) is None:
        why = f'its date "{printable(one.received)}" is none that IMAP has'
        typer.echo(f"mailproxy: message {printable(one.id)}: {why}; the server gives it a new one", err=True)


def _reachable(config: Config, one: Archived) -> None:
    upstream = config.upstream.get(one.upstream)
    if upstream is None:
        fail(f'message {one.id} is from "{one.upstream}", no upstream of this configuration; use --eml')
    if upstream.imap is None:
        fail(f'the upstream "{one.upstream}" of message {one.id} has no `imap`; add it, or use --eml')
    if not one.indexed and one.user.endswith("…"):
        fail(f"the user of message {one.id} is not known in full, as it is not indexed; use --eml")


def password_of(user: str, upstream: str) -> str:
    """The password of the archived user, from the environment or the terminal."""
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if password:
        return password
    if not sys.stdin.isatty():
        fail(f"there is no terminal to ask for the password of {user}; set {PASSWORD_VARIABLE}")
    prompt = f"Password of {printable(user)} at {printable(upstream)}"
    return str(typer.prompt(prompt, hide_input=True, err=True))


def _connected(config: Config, name: str) -> Appender:
    from mailproxy.archive.appender import Appender
    from mailproxy.tls.client import upstream_context

    upstream = config.upstream[name]
    endpoint = upstream.imap
    assert endpoint is not None, "it was looked at before"
    context: ssl.SSLContext | None = None
    if endpoint.tls != "none":
        context = upstream_context("imap", upstream.ca_file, config.state / "tls" / "ca.pem")
    return Appender(upstream.host, endpoint.port, endpoint.tls, context)


def _explained(error: Exception, config: Config, name: str) -> str:
    if isinstance(error, ssl.SSLError):
        from mailproxy.tls.explain import explain

        return explain(error, config.upstream[name].host)
    if isinstance(error, OSError):
        return f"{error.strerror or 'it did not answer in time'}; are host and the port of imap right?"
    return str(error)
