"""``mailproxy replay server``."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailproxy.cli.capture_files import OneFile
from mailproxy.cli.errors import fail
from mailproxy.config.errors import printable

if TYPE_CHECKING:
    import trio

    from mailproxy.player.recordings import Cast
    from mailproxy.player.terms import Passwords
    from mailproxy.tls.server import ServerTls


class Tls(StrEnum):
    """How mail programs are to encrypt."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class Leg(StrEnum):
    """A side of a session that mailproxy has recorded."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class _Place:
    """One protocol, and where it is served."""

    cast: Cast
    listening: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.listening.getsockname()[:2]
        return str(host), int(port)


def server(
    file: OneFile,
    session: Annotated[
        int | None,
        typer.Option(
            "--session", "-n", min=1, metavar="N", help="Only this one: its number in capture list."
        ),
    ] = None,
    leg: Annotated[
        Leg, typer.Option(help="Of a session of mailproxy: what the program heard, or what the server said.")
    ] = Leg.CLIENT,
    listen: Annotated[
        str,
        typer.Option(metavar="HOST:PORT", help="Where; port 0: a free one. Each protocol has its own."),
    ] = "127.0.0.1:0",
    tls: Annotated[Tls, typer.Option(help="How mail programs are to encrypt.")] = Tls.NONE,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A certificate of your own, in PEM.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Its key, if it is in another file.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Where the local CA is kept.", show_default="made anew each time"),
    ] = None,
    password_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Admit only the password in this environment variable."),
    ] = None,
    password_prompt: Annotated[
        bool, typer.Option("--password-prompt", help="Ask for the only password that is admitted.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="End when the first connection has ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print where it listens as JSON.")] = False,
) -> None:
    """Answer mail programs as the captured server did; nothing is connected to.

    The first connection hears what the first session of its protocol heard, and so on; the last one
    is repeated. Any user and password will do, unless one is set. What the capture does not hold is
    made from what it says elsewhere, or refused, and told on standard error. Ends with Ctrl-C.

    \b
    Examples:
      mailproxy replay server session.pcapng
      mailproxy replay server session.pcapng --tls implicit --listen 127.0.0.1:1993
    """
    import trio

    from mailproxy.capture.bodies import BodyStore
    from mailproxy.capture.model import CaptureError
    from mailproxy.cli.progress import reading
    from mailproxy.player.offline import forbid_connecting
    from mailproxy.player.recordings import casts
    from mailproxy.tls.errors import TlsError

    forbid_connecting()  # behind the imports: to load Trio, the C library is asked for by a program
    passwords = _passwords(password_env, password_prompt)
    host, port = _address(listen)
    with ExitStack() as held:
        store = held.enter_context(BodyStore())
        try:
            with reading(file) as progress:
                found = casts(file, store, session=session, leg=leg.value, progress=progress)
            served = _certificates(held, tls, certificate, key, state, host)
            places = [
                _Place(cast, held.enter_context(_listening(host, port, n))) for n, cast in enumerate(found)
            ]
        except (CaptureError, TlsError) as error:
            fail(str(error))
        trio.run(
            _serve, places, tls, served, passwords, once, lambda: _announce(places, tls, served, as_json)
        )


def _address(listen: str) -> tuple[str, int]:
    from mailproxy.config.addresses import split_address

    try:
        return split_address(listen)
    except ValueError as error:
        fail(f"--listen {listen}: {error}; write it as 127.0.0.1:1143")


def _passwords(variable: str | None, prompt: bool) -> Passwords | None:
    if variable is not None and prompt:
        fail("--password-env and --password-prompt both set the password; use one of them")
    if variable is not None:
        value = os.environ.get(variable, "")
        if not value:
            fail(f"{variable} is not set in the environment, or empty; set it, or leave --password-env out")
    elif prompt:
        if not sys.stdin.isatty():
            fail("there is no terminal to ask for the password; use --password-env")
        value = str(typer.prompt("Password to be admitted", hide_input=True, err=True))
    else:
        return None
    password = value.encode()
    return lambda user: password


def _certificates(
    held: ExitStack, tls: Tls, certificate: Path | None, key: Path | None, state: Path | None, host: str
) -> ServerTls | None:
    """Raises TlsError."""
    from mailproxy.tls.server import ServerTls

    if tls is Tls.NONE:
        if certificate is not None or key is not None:
            fail("--certificate and --key are for TLS; add --tls implicit or --tls starttls")
        return None
    if key is not None and certificate is None:
        fail("--key belongs to a --certificate; name both")
    if certificate is None and state is None:
        state = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="mailproxy-replay-")))
    names = list(dict.fromkeys(["localhost", "127.0.0.1", "::1", host]))
    folder = (state or Path()).resolve() / "tls"
    names = [name for name in names if name not in ("0.0.0.0", "::")]  # noqa: S104 (they are no names)
    return ServerTls(folder, names, certificate, key)


@contextmanager
def _listening(host: str, port: int, place: int) -> Iterator[socket.socket]:
    from mailproxy.player.server import listening_socket

    wanted = port + place if port else 0
    try:
        sock = listening_socket(host, wanted)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", error)
        fail(f"cannot listen on {host}:{wanted}: {why}; choose another place with --listen")
    with sock:
        yield sock


def _announce(places: list[_Place], tls: Tls, served: ServerTls | None, as_json: bool) -> None:
    authority = served.authority if served is not None else None
    if as_json:
        listening = [
            {
                "protocol": place.cast.protocol,
                "host": place.address[0],
                "port": place.address[1],
                "tls": tls.value,
                "sessions": [one.conversation.number for one in place.cast.recordings],
                "users": sorted({one.login for one in place.cast.recordings if one.login}),
            }
            for place in places
        ]
        described: dict[str, Any] = {"listening": listening}
        if authority is not None:
            described["ca_file"] = str(authority.path)
        print(json.dumps(described), flush=True)
        return
    for place in places:
        host, port = place.address
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        users = sorted({one.login for one in place.cast.recordings if one.login})
        captured = f", captured from {', '.join(map(printable, users[:5]))}" if users else ""
        print(f"{place.cast.protocol}: listening on {where}, TLS: {tls.value}{captured}", flush=True)
    if authority is not None:
        print(f"Mail programs have to trust this CA certificate: {authority.path}", flush=True)
    for warning in served.warnings if served is not None else ():
        _say(warning)


def _say(text: str) -> None:
    print(f"mailproxy: {printable(text)}", file=sys.stderr, flush=True)


async def _serve(
    places: list[_Place],
    tls: Tls,
    served: ServerTls | None,
    passwords: Passwords | None,
    once: bool,
    ready: Callable[[], None],
) -> None:
    import trio

    from mailproxy.player.server import PlayedServer

    async with trio.open_nursery() as nursery:
        over = trio.Event()
        for place in places:
            context = None if served is None else served.context(place.cast.protocol)
            played = PlayedServer(
                place.cast, tls=tls.value, context=context, password=passwords, say=_say, over=over
            )
            nursery.start_soon(played.accept, place.listening, nursery)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            ready()
            if once:
                nursery.start_soon(_cancel_after, over, nursery)
            async for _ in signals:
                break
        nursery.cancel_scope.cancel()


async def _cancel_after(over: trio.Event, nursery: trio.Nursery) -> None:
    await over.wait()
    nursery.cancel_scope.cancel()
