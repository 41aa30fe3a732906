"""Archived messages back onto the mail server, over IMAP."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from mailproxy.cli.errors import fail
from mailproxy.cli.opened import opened, record

if TYPE_CHECKING:
    from mailproxy.archive.appender import Appender
    from mailproxy.cli.archived import Archived, Shelf
    from mailproxy.config import Config

AskPassword = Callable[[str, str], str]
"""Gives the password of a user at an upstream."""


def put_back(
    config: Config,
    shelf: Shelf,
    found: Sequence[Archived],
    mailbox: str,
    password: AskPassword,
    dry_run: bool,
) -> Iterator[tuple[str, str, int]]:
    """Puts the messages into ``mailbox`` of their users: user, upstream and how many, for each user.

    What fails is said, with what was done before, and the command leaves with 1. Before anything is
    sent, each message is known to be readable and each upstream to have IMAP.
    """
    for one in found:
        _reachable(config, one)
        shelf.open(one).close()
    owners = sorted(found, key=lambda one: (one.upstream, one.user))
    for (upstream, user), group in groupby(owners, key=lambda one: (one.upstream, one.user)):
        messages = list(group)
        if not dry_run:
            _put_back(config, shelf, messages, mailbox, password(user, upstream))
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
    import os

    from mailproxy.archive.dates import internaldate_of
    from mailproxy.archive.flags import restored_flags

    with shelf.open(one) as file:
        octets = os.fstat(file.fileno()).st_size
        received = one.received or internaldate_of(one.at)
        server.append(mailbox, restored_flags(one.flags), received, file, octets)


def _reachable(config: Config, one: Archived) -> None:
    upstream = config.upstream.get(one.upstream)
    if upstream is None:
        fail(f'message {one.id} is from "{one.upstream}", no upstream of this configuration; use --eml')
    if upstream.imap is None:
        fail(f'the upstream "{one.upstream}" of message {one.id} has no `imap`; add it, or use --eml')
    if not one.indexed and one.user.endswith("…"):
        fail(f"the user of message {one.id} is not known in full, as it is not indexed; use --eml")


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
