"""``mailproxy kept``: mail that programs believe deleted, and that the server still has."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.completion import complete_user
from mailproxy.cli.errors import fail
from mailproxy.cli.names import OnlyUser, utf8_name
from mailproxy.cli.opened import (
    AsJson,
    ConfigOption,
    UpstreamOption,
    configured,
    did_you_mean,
    opened,
    record,
)
from mailproxy.cli.tables import counted, print_json, print_table, size_of, time_of, utc
from mailproxy.config.errors import printable

if TYPE_CHECKING:
    from mailproxy.store.kept import KeptRow
    from mailproxy.store.store import Store

app = typer.Typer(
    help="Mail that programs believe deleted: list it, show it to them again, let the server delete it.",
    no_args_is_help=True,
)

UserOption = Annotated[
    str,
    typer.Option(
        "--user", help="Whose mail: the name of the login.", autocompletion=complete_user, callback=utf8_name
    ),
]
Uidls = Annotated[
    list[str] | None, typer.Option("--uidl", help="This message; may be repeated.", metavar="UIDL")
]
All = Annotated[bool, typer.Option("--all", help="All kept mail of the user.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_kept(
    config: ConfigOption,
    user: OnlyUser = None,
    upstream: UpstreamOption = None,
    as_json: AsJson = False,
) -> None:
    """Print what is kept, for whom, and since when.

    A message is `kept`, `missing` (the server does not list it any more) or `due` (the server
    deletes it at the user's next session).
    """
    with opened(configured(config)) as store:
        rows = _rows(store, user, upstream)
        if not rows and user is not None:
            typer.echo(f"mailproxy: {printable(_nothing(store, user, upstream))}", err=True)
        elif not rows:
            typer.echo("mailproxy: nothing is kept", err=True)
    if as_json:
        print_json([_described(row) for row in rows])
        return
    cells = (
        (
            row.upstream,
            row.user,
            row.program,
            shown(row.uidl),
            size_of(row.octets),
            time_of(row.since),
            row.rule,
            _state(row),
        )
        for row in rows
    )
    print_table(("upstream", "user", "program", "uidl", "size", "since", "rule", "state"), cells)


@app.command()
def restore(
    config: ConfigOption,
    user: UserOption,
    upstream: UpstreamOption = None,
    uidl: Uidls = None,
    all_: All = False,
    yes: Yes = False,
) -> None:
    """Let programs see kept mail again.

    They do from their next session on. Mail that is due to be deleted is then not deleted.
    """
    with opened(configured(config)) as store:
        rows = _chosen(store, user, upstream, uidl, all_)
        number = counted(_messages(rows), "message")
        if all_ and sys.stdin.isatty() and not yes:
            _ask(f"The programs of {printable(user)} will download {number} again.")
        for at, of, uidls in _mailboxes(rows):
            store.kept.restore(of, upstream=at, uidls=uidls)
            _record(store, "kept.restore", at, of, uidls)
            number = counted(len(uidls), "message")
            typer.echo(f"{number} of {printable(of)} at {printable(at)}: seen again from the next session on")


@app.command()
def purge(
    config: ConfigOption,
    user: UserOption,
    upstream: UpstreamOption = None,
    uidl: Uidls = None,
    all_: All = False,
    yes: Yes = False,
) -> None:
    """Let the server really delete kept mail.

    It does so at the user's next session; the mail is gone then, for all programs. This
    asks on a terminal; elsewhere it needs --yes.
    """
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("the server really deletes the mail, and nobody can be asked: say --yes")
    with opened(configured(config)) as store:
        rows = _chosen(store, user, upstream, uidl, all_)
        if not yes:
            number = counted(_messages(rows), "message")
            _ask(f"The server will delete {number} of {printable(user)} for good, at the next session.")
        for at, of, uidls in _mailboxes(rows):
            store.kept.purge(of, upstream=at, uidls=uidls)
            _record(store, "kept.purge", at, of, uidls)
            number = counted(len(uidls), "message")
            typer.echo(
                f"{number} of {printable(of)} at {printable(at)}: deleted on the server at the next session"
            )


def shown(uidl: bytes) -> str:
    r"""A UIDL as it is printed: what is no visible ASCII as ``\x07``, and a backslash as two."""
    return "".join(
        "\\\\" if octet == 0x5C else chr(octet) if 0x21 <= octet <= 0x7E else f"\\x{octet:02x}"
        for octet in uidl
    )


def _rows(store: Store, user: str | None, upstream: str | None) -> list[KeptRow]:
    """What is kept for the user; the name may also be written as it is printed."""
    if user is None:
        return list(store.kept.listing(upstream=upstream))
    rows = list(store.kept.listing(user=user, upstream=upstream))
    return rows or [row for row in store.kept.listing(upstream=upstream) if printable(row.user) == user]


def _chosen(
    store: Store, user: str, upstream: str | None, uidls: Sequence[str] | None, everything: bool
) -> list[KeptRow]:
    """The rows that a command is about; leaves with 2 or 1 when it does not say, or there are none."""
    if bool(uidls) == everything:
        raise typer.BadParameter("say which messages: --uidl X, or --all")
    rows = _rows(store, user, upstream)
    if not rows:
        fail(_nothing(store, user, upstream))
    if everything:
        return rows
    known = {shown(row.uidl): row.uidl for row in rows}
    wanted = {known.get(name, name.encode("utf-8", "surrogateescape")): name for name in uidls or ()}
    for uidl in wanted.keys() - set(known.values()):
        hint = did_you_mean(wanted[uidl], known) or "; see mailproxy kept list"
        fail(f'no kept message of "{user}" has the UIDL "{wanted[uidl]}"{hint}. Nothing was changed')
    return [row for row in rows if row.uidl in wanted]


def _nothing(store: Store, user: str, upstream: str | None) -> str:
    where = "" if upstream is None else f" at {upstream}"
    known = {row.user for row in store.kept.listing()}
    if user in known:
        return f'nothing of "{user}" is kept{where}; see mailproxy kept list without --upstream'
    return f'nothing of "{user}" is kept{where}{did_you_mean(user, known)}'


def _messages(rows: Sequence[KeptRow]) -> int:
    """How many messages these are: one may be kept for several programs."""
    return len({(row.upstream, row.user, row.uidl) for row in rows})


def _mailboxes(rows: Sequence[KeptRow]) -> Iterator[tuple[str, str, list[bytes]]]:
    """Upstream, user and UIDLs of each mailbox that the rows are of."""
    places = sorted({(row.upstream, row.user, row.uidl) for row in rows})
    for (upstream, user), messages in groupby(places, lambda place: place[:2]):
        yield upstream, user, [uidl for _, _, uidl in messages]


def _ask(text: str) -> None:
    if not typer.confirm(f"{text} Go on?", err=True):
        fail("nothing was changed")


def _record(store: Store, kind: str, upstream: str, user: str, uidls: Sequence[bytes]) -> None:
    record(store, kind, upstream, user, messages=len(uidls), uidls=[shown(uidl) for uidl in uidls])


def _state(row: KeptRow) -> str:
    return "missing" if row.missing else "due" if row.due else "kept"


def _described(row: KeptRow) -> dict[str, object]:
    return {
        "upstream": row.upstream,
        "user": row.user,
        "program": row.program,
        "uidl": shown(row.uidl),
        "octets": row.octets,
        "since": utc(row.since),
        "rule": row.rule,
        "state": _state(row),
    }
