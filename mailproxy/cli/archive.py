"""``mailproxy archive``: the copies of what was deleted, and the way back."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from mailproxy.cli.errors import fail
from mailproxy.cli.names import OnlyUser
from mailproxy.cli.opened import AsJson, ConfigOption, configured
from mailproxy.cli.tables import counted, on_terminal, print_json, print_table, size_of, time_of, utc
from mailproxy.config.errors import printable

if TYPE_CHECKING:
    from mailproxy.cli.archived import Archived, Shelf

app = typer.Typer(
    help="Copies of what was deleted: list them, show them, bring them back.", no_args_is_help=True
)

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="As `mailproxy archive list` prints them.")]


@app.command("list")
def list_archived(
    config: ConfigOption,
    user: OnlyUser = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only the last 90s, 12h, 7d.", metavar="TIME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what is in the archive, the oldest first.

    A message is `archived`; `not indexed` when the proxy ended before it was noted, and nothing
    but its file is known; or has `no file` here.
    """
    from mailproxy.cli.archived import Shelf, subject_of

    shelf = Shelf(configured(config))
    after = None if since is None else time.time() - _seconds(since)
    found = shelf.listing(user, after)
    if as_json:
        print_json([_described(one, subject_of(shelf.header(one))) for one in found])
        return
    head = ("id", "archived", "upstream", "user", "mailbox", "size", "subject", "state")
    print_table(
        head,
        (
            (
                one.id,
                time_of(one.at),
                one.upstream,
                one.user,
                one.mailbox,
                size_of(one.octets),
                subject_of(shelf.header(one)),
                one.state,
            )
            for one in found
        ),
    )


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `mailproxy archive list` prints it.")],
    config: ConfigOption,
    headers: Annotated[bool, typer.Option("--headers", help="Only its header.")] = False,
) -> None:
    """Print a message: its very octets in a pipe; on a terminal nothing in it can command the terminal."""
    from mailproxy.cli.archived import Shelf, header_of

    shelf = Shelf(configured(config))
    (one,) = shelf.get([id_])
    with shelf.open(one) as file:
        if on_terminal():
            for line in header_of(file.read()).splitlines() if headers else file:
                typer.echo(printable(line.rstrip(b"\r\n").decode("utf-8", "backslashreplace").expandtabs()))
            return
        if headers:
            sys.stdout.buffer.write(header_of(file.read()))
        else:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@app.command()
def restore(
    ids: Ids,
    config: ConfigOption,
    eml: Annotated[
        Path | None,
        typer.Option(
            "--eml", metavar="FILE", help="Write to this new file, or into this folder; - is a pipe."
        ),
    ] = None,
    imap: Annotated[bool, typer.Option("--imap", help="Put it back on the mail server.")] = False,
    mailbox: Annotated[str, typer.Option("--mailbox", help="With --imap: into this mailbox.")] = "INBOX",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Bring messages back, into a file or onto the mail server.

    On the server they get their date and flags again, but for \\Deleted; it is said when a date cannot
    be used. The login is that of the
    archived user; the password is asked for, or taken from the environment variable
    MAILPROXY_PASSWORD. The archive keeps its copies.
    """
    if (eml is None) != imap:
        raise typer.BadParameter("say where to: either --eml FILE, or --imap")
    if str(eml) == "-" and on_terminal() and not dry_run:
        raise typer.BadParameter("a message could command the terminal; use a pipe", param_hint="--eml")
    from mailproxy.cli.archived import Shelf

    loaded = configured(config)
    shelf = Shelf(loaded)
    found = shelf.get(list(dict.fromkeys(ids)))
    if eml is not None:
        _to_files(shelf, found, eml, dry_run)
        return
    from mailproxy.cli.archive_restore import put_back

    for user, upstream, number in put_back(loaded, shelf, found, mailbox, dry_run):
        what = "would be put" if dry_run else "put"
        where = f"{printable(mailbox)} of {printable(user)} at {printable(upstream)}"
        typer.echo(f"{counted(number, 'message')} {what} into {where}")


def _to_files(shelf: Shelf, found: list[Archived], eml: Path, dry_run: bool) -> None:
    into_folder = eml.is_dir()
    if len(found) > 1 and not into_folder:
        raise typer.BadParameter("several messages need a folder, and this is none", param_hint="--eml")
    for one in found:
        with shelf.open(one) as file:
            target = eml / f"{one.id}.eml" if into_folder else eml
            if dry_run:
                typer.echo(f"message {printable(one.id)} would be written to {printable(str(target))}")
            elif str(eml) == "-":
                shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                _to_new_file(file, target)
                typer.echo(f"message {printable(one.id)} written to {printable(str(target))}")


def _to_new_file(file: BinaryIO, target: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    made = False
    try:
        with os.fdopen(os.open(target, flags, 0o600), "wb") as out:
            made = True
            shutil.copyfileobj(file, out)
    except OSError as error:
        if made:
            target.unlink(missing_ok=True)
        fail(f"{target}: {error.strerror}; name a new file with --eml, where you may write and there is room")


def _described(one: Archived, subject: str) -> dict[str, object]:
    return {
        "id": one.id,
        "archived": utc(one.at),
        "upstream": one.upstream,
        "user": one.user,
        "protocol": one.protocol,
        "mailbox": one.mailbox,
        "received": one.received,
        "flags": list(one.flags),
        "octets": one.octets,
        "rule": one.rule,
        "subject": subject,
        "file": one.file,
        "state": one.state,
    }


def _seconds(text: str) -> float:
    from mailproxy.rules.duration import BadDuration, parse_duration

    try:
        return parse_duration(text)
    except BadDuration as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
