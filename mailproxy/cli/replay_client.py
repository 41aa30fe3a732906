"""``mailproxy replay client``."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.capture_files import OneFile
from mailproxy.cli.errors import fail

if TYPE_CHECKING:
    from mailproxy.replay.client import Target
    from mailproxy.replay.client_account import Account
    from mailproxy.replay.script import Script

_IMPLICIT = {993, 995, 465}
_MOST_AT_ONCE = 50


class Tls(StrEnum):
    """How the connection is encrypted."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


class Leg(StrEnum):
    """A side of a session of our own proxy."""

    CLIENT = "client"
    SERVER = "server"


def client(
    file: OneFile,
    to: Annotated[str, typer.Option("--to", metavar="HOST:PORT", help="The server.")],
    session: Annotated[
        list[int] | None,
        typer.Option("--session", "-n", min=1, metavar="N", help="Only this session; may be repeated."),
    ] = None,
    leg: Annotated[Leg, typer.Option(help="Which side of a session of mailproxy is replayed.")] = Leg.CLIENT,
    user: Annotated[str | None, typer.Option(help="Who logs in.", show_default="the captured user")] = None,
    password_env: Annotated[
        str, typer.Option(metavar="NAME", help="The environment variable with the password or token.")
    ] = "MAILPROXY_PASSWORD",  # noqa: S107 (its name)
    tls: Annotated[
        Tls | None,
        typer.Option(show_default="implicit on 993, 995 and 465, else starttls", help="How to encrypt."),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Whom to trust.", show_default="the system's store"),
    ] = None,
    allow_plaintext: Annotated[
        bool, typer.Option("--allow-plaintext", help="Without TLS also to another machine.")
    ] = False,
    allow_destructive: Annotated[
        bool, typer.Option("--allow-destructive", help="Say also what changes or removes mail, or sends it.")
    ] = False,
    times: Annotated[int, typer.Option(min=1, max=100_000, help="Play each session so often.")] = 1,
    parallel: Annotated[int, typer.Option(min=1, max=_MOST_AT_ONCE, help="So many connections at once.")] = 1,
    at_recorded_speed: Annotated[
        bool, typer.Option("--at-recorded-speed", help="Pause before commands as the captured client did.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=86400, help="Seconds a reply may take.")] = 30.0,
    json: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
) -> None:
    """Say to a server what the captured client said, and compare its replies with the captured ones.

    Without --allow-destructive nothing on the server changes: such commands are left out, and
    mailboxes are opened for reading only. The login is made anew; the password comes from the
    environment or is asked for. Exit code 1 if the server does something else than the captured one.
    """
    import trio

    from mailproxy.capture.bodies import BodyStore
    from mailproxy.capture.model import CaptureError
    from mailproxy.cli.progress import reading
    from mailproxy.cli.replay_client_report import print_report
    from mailproxy.replay.client_account import Secrets
    from mailproxy.replay.client_player import Manner
    from mailproxy.replay.client_times import play_times
    from mailproxy.replay.compare_report import Report
    from mailproxy.replay.script_file import ScriptError, scripts
    from mailproxy.tls.errors import TlsError

    host, port = _place(to)
    with BodyStore() as store:
        try:
            with reading(file) as progress:
                written = scripts(
                    file,
                    store,
                    sessions=session or (),
                    leg=leg.value,
                    allow_destructive=allow_destructive,
                    progress=progress,
                )
            kind = tls.value if tls is not None else ""
            target = _target(written[0].protocol, host, port, kind, ca_file, allow_plaintext, timeout)
            account = _account(written, user, password_env)
        except (CaptureError, ScriptError, TlsError) as error:
            fail(str(error))
        report = Report(Secrets(account))
        report.remark(written)
        manner = Manner(account=account, recorded_speed=at_recorded_speed)
        with _counting(len(written) * times) as played:
            trio.run(
                partial(
                    play_times,
                    written,
                    target,
                    manner,
                    report,
                    times=times,
                    at_once=parallel,
                    played=played,
                )
            )
    print_report(report, as_json=json)
    raise typer.Exit(0 if report.same else 1)


def _place(to: str) -> tuple[str, int]:
    from mailproxy.config.addresses import split_address

    try:
        host, port = split_address(to)
    except ValueError as error:
        raise typer.BadParameter(f'"{to}": {error}', param_hint="--to") from None
    if not port:
        raise typer.BadParameter("port 0 is nobody's", param_hint="--to")
    return host, port


def _target(
    protocol: str, host: str, port: int, tls: str, ca_file: Path | None, clear: bool, timeout: float
) -> Target:
    from mailproxy.config.addresses import is_loopback
    from mailproxy.replay.client import Target
    from mailproxy.tls.client import upstream_context

    allowed = clear or is_loopback(host)
    if tls == "none" and not allowed:
        raise typer.BadParameter(
            f"password and mail would go to {host} in clear: take another --tls, or say --allow-plaintext",
            param_hint="--tls",
        )
    chosen = tls or ("implicit" if port in _IMPLICIT else "starttls")
    # The system's certificates may be absent where no TLS is made.
    context = upstream_context(protocol, ca_file) if chosen != "none" else None

    def ready() -> ssl.SSLContext:
        assert context is not None, "without TLS nobody asks"
        return context

    return Target(host, port, chosen, ready, clear=not tls and allowed, timeout=timeout)


def _account(written: list[Script], user: str | None, variable: str) -> Account | None:
    """Who logs in; None where nobody does. Leaves with 1 when that, or the password, is not known."""
    from mailproxy.replay.client_account import Account
    from mailproxy.replay.script_file import users_of

    users = users_of(written)
    if not users:
        return None
    if user is None and len(users) > 1:
        fail(f"these sessions are of {len(users)} users; choose with --session, or say --user for all")
    name = user or users[0] or _asked("User: ", "the capture does not say who logged in; say --user")
    password = os.environ.get(variable) or _asked(
        f"Password of {name}: ", f"no password: set the environment variable {variable}", hidden=True
    )
    if any(octet in name + password for octet in "\r\n\0"):
        fail("a user or a password with a line end cannot be said to a mail server")
    return Account(name, password)


def _asked(prompt: str, otherwise: str, *, hidden: bool = False) -> str:
    """What a person types, on a terminal only."""
    if not sys.stdin.isatty():
        fail(otherwise)
    answer: str = typer.prompt(prompt.rstrip(": "), hide_input=hidden, err=True)
    return answer


@contextmanager
def _counting(plays: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, where a person waits for many plays."""
    if plays == 1 or not sys.stderr.isatty():
        yield lambda: None
        return
    with typer.progressbar(length=plays, label="played", file=sys.stderr) as bar:
        yield lambda: bar.update(1)
