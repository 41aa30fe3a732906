"""Builds one running proxy from a configuration: the only file that knows all the others."""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

import trio

from mailproxy import __version__
from mailproxy.capture.capturing import Capturing, Wanted
from mailproxy.capture.recorder import What
from mailproxy.capture.writer import Options as CaptureFiles
from mailproxy.config import Config, ConfigError, Listener, load, split_address
from mailproxy.config.errors import printable
from mailproxy.events import Event
from mailproxy.guardian import Guardian
from mailproxy.net.connection import Deadlines, Route
from mailproxy.net.lane import make_lane
from mailproxy.net.listener import Sessions, open_socket
from mailproxy.net.upstream import Server
from mailproxy.proto.dialect import Limits
from mailproxy.record.log import Log
from mailproxy.rules import RuleError
from mailproxy.rules import load as load_rules
from mailproxy.rules.load import expand_patterns
from mailproxy.session.options import Options
from mailproxy.session.recorded import Recorder
from mailproxy.session.verdict import Judge
from mailproxy.store.errors import StoreError
from mailproxy.tls.client import upstream_context
from mailproxy.tls.errors import TlsError
from mailproxy.tls.server import ServerTls

_THREADS = 64  # that wait for the store or the archive; looking up host names has others


class StartError(Exception):
    """The proxy cannot start; the text names the cause and what to do."""


class Proxy:
    """One proxy: its rules, certificates, listeners and sessions.

    Raises:
        RuleError, TlsError: the files that the configuration names cannot be used.
        StoreError: the store cannot be opened.
    """

    def __init__(self, config: Config, log: Log) -> None:
        self._config = config
        self._log = log
        rules = self._load_rules()
        self._guardian = Guardian(config, log)
        self._judges = self._guarded(rules)
        self._tls = self._server_tls()
        self._contexts = self._upstream_contexts()
        self._capturing = Capturing(_wanted(config), log.say)
        self._sessions = Sessions(
            config.limits.sessions,
            config.limits.sessions_per_address,
            self._emitter,
            self._complain,
            self._recorder,
        )
        self._lane = make_lane()
        self._threads = trio.CapacityLimiter(_THREADS)
        self._stop = trio.Event()
        self.addresses: dict[str, tuple[str, int]] = {}

    # -- what is loaded ---------------------------------------------------------------

    def _load_rules(self) -> dict[str, Judge]:
        rules = load_rules(expand_patterns(self._config.rules.files))
        return {protocol: rules.judge(protocol) for protocol in ("pop3", "imap", "smtp")}

    def _guarded(self, rules: dict[str, Judge]) -> dict[str, Judge]:
        return {protocol: self._guardian.judge(judge) for protocol, judge in rules.items()}

    def _server_tls(self) -> ServerTls | None:
        if all(listener.tls == "none" for listener in self._config.listener):
            return None
        tls = self._config.tls
        return ServerTls(self._config.state / "tls", tls.names, tls.certificate, tls.key, tls.keylog)

    def _upstream_contexts(self) -> dict[tuple[str, str], ssl.SSLContext]:
        own = self._config.state / "tls" / "ca.pem"
        made: dict[tuple[str, str], ssl.SSLContext] = {}
        for listener in self._config.listener:
            upstream = self._config.upstream[listener.upstream]
            endpoint = upstream.endpoint(listener.protocol)
            if endpoint is not None and endpoint.tls != "none":
                made[listener.upstream, listener.protocol] = upstream_context(
                    listener.protocol,
                    upstream.ca_file,
                    own if own.exists() else None,
                    self._config.tls.keylog,
                )
        return made

    def reload(self) -> None:
        """Read rules, certificates and the log file anew; what cannot be used leaves the old in force."""
        self._log.reopen()
        try:
            judges, contexts = self._guarded(self._load_rules()), self._upstream_contexts()
            if self._tls is not None:
                self._warn(self._tls.reload())
        except (RuleError, TlsError) as error:
            self._log.say(
                "reload_failed",
                "error",
                cause=str(error),
                hint="the old rules and certificates stay in force",
            )
        else:
            self._judges, self._contexts = judges, contexts
            self._log.say("reloaded")
        self._log.flush()

    def _warn(self, warnings: list[str]) -> None:
        for warning in warnings:
            self._log.say("certificate", "warning", detail=warning)

    # -- routes -----------------------------------------------------------------------

    def _route(self, listener: Listener) -> Route:
        config, protocol = self._config, listener.protocol
        limits, upstream = config.limits, config.upstream[listener.upstream]
        endpoint = upstream.endpoint(protocol)
        assert endpoint is not None, "the configuration was checked"
        tls = self._tls
        return Route(
            protocol=protocol,
            listener=listener.name,
            upstream=listener.upstream,
            implicit=listener.tls == "implicit",
            options=Options(
                guard=listener.mode == "guard",
                starttls=listener.tls == "starttls",
                tls_required=bool(listener.require_tls),
                errors=limits.errors,
                limits=Limits(line=limits.line_octets, literal=limits.literal_octets),
            ),
            deadlines=Deadlines(
                handshake=limits.handshake_seconds,
                greeting=limits.connect_seconds,
                login=limits.login_seconds,
                command=limits.command_seconds,
                idle=limits.idle_seconds(protocol),
            ),
            server=Server(
                protocol=protocol,
                host=upstream.host,
                port=endpoint.port,
                tls=endpoint.tls,
                context=lambda: self._contexts[listener.upstream, protocol],
                connect_seconds=limits.connect_seconds,
            ),
            context=lambda: _required(tls).context(protocol),
            judge=lambda: self._judges[protocol],
            lane=self._lane,
            guards=self._guardian.guards,
            threads=self._threads,
        )

    def _emitter(self, session: str, route: Route, client: str) -> Callable[[Event], None]:
        return self._guardian.session(route.protocol, route.upstream, client, self._log.session(session))

    def _recorder(self, session: str, route: Route) -> Recorder | None:
        verbs = self._judges[route.protocol].captures if route.options.guard else frozenset[str]()
        return self._capturing.session(session, route.protocol, route.upstream, verbs)

    def _complain(self, event: str, level: str, **fields: object) -> None:
        self._log.say(event, level, **fields)

    # -- running ----------------------------------------------------------------------

    def open(self) -> list[tuple[Listener, socket.socket]]:
        """Listening sockets for all listeners.

        Raises:
            StartError: one cannot be opened.
        """
        opened: list[tuple[Listener, socket.socket]] = []
        try:
            for listener in self._config.listener:
                for address in listener.address:
                    host, port = split_address(address)
                    opened += [(listener, sock) for sock in open_socket(host, port)]
        except OSError as error:
            for _, sock in opened:
                sock.close()
            raise StartError(_cannot_listen(listener.name, address, error)) from error
        return opened

    async def run(
        self,
        sockets: list[tuple[Listener, socket.socket]] | None = None,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until :meth:`stop`, then let sessions finish. Started when all listeners listen.

        Raises:
            StartError: a listener cannot be opened.
        """
        opened = self.open() if sockets is None else sockets
        if self._tls is not None:
            self._warn(self._tls.warnings)
        if self._config.capture.all or any(judge.captures for judge in self._judges.values()):
            self._capturing.start()
        try:
            async with trio.open_nursery() as sessions, trio.open_nursery() as service:
                for listener, sock in opened:
                    self._listen(listener, sock, service, sessions)
                service.start_soon(self._lane.run)
                service.start_soon(self._sessions.sweep)
                service.start_soon(self._flush)
                service.start_soon(self._guardian.run)
                self._log.flush()
                task_status.started()
                await self._stop.wait()
                self._log.say("stopping", sessions=len(self._sessions))
                for _, sock in opened:
                    trio.lowlevel.notify_closing(sock)
                    sock.close()
                await self._sessions.drain(self._config.limits.drain_seconds)
                service.cancel_scope.cancel()
                sessions.cancel_scope.cancel()
        finally:
            for _, sock in opened:
                sock.close()
            self._capturing.close()
            self._guardian.close()
            self._log.say("stopped")
            self._log.flush()

    def _listen(
        self, listener: Listener, sock: socket.socket, service: trio.Nursery, sessions: trio.Nursery
    ) -> None:
        host, port = sock.getsockname()[:2]
        self.addresses.setdefault(listener.name, (host, port))
        service.start_soon(_until_closed, self._sessions.accept, sock, self._route(listener), sessions)
        self._log.say(
            "listening",
            listener=listener.name,
            protocol=listener.protocol,
            address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            tls=listener.tls,
            mode=listener.mode,
        )

    def stop(self) -> None:
        """Take no new sessions; end when the open ones are over, or when their time is up."""
        self._stop.set()

    def give_up(self) -> NoReturn:
        """End the process at once; what the log still holds is written."""
        self._log.say("stopped", "warning", sessions=len(self._sessions))
        self._log.flush()
        os._exit(1)

    async def _flush(self) -> None:
        while True:
            await trio.sleep(1)
            self._capturing.report()
            self._log.flush()


def _wanted(config: Config) -> Wanted:
    """What ``[capture]`` says."""
    capture = config.capture
    assert capture.folder is not None, "it has a default"
    files = CaptureFiles(
        folder=capture.folder,
        per_session=capture.per_session,
        file_octets=capture.file_octets,
        file_seconds=capture.file_minutes * 60,
        total_octets=capture.total_octets,
        keep_days=capture.keep_days,
        compress=capture.compress,
        application=f"mailproxy {__version__}",
    )
    return Wanted(
        capture.all, What(capture.message_octets, capture.server_message_octets, capture.secrets), files
    )


async def _until_closed(
    accept: Callable[[socket.socket, Route, trio.Nursery], Awaitable[None]],
    sock: socket.socket,
    route: Route,
    nursery: trio.Nursery,
) -> None:
    try:
        await accept(sock, route, nursery)
    except (trio.ClosedResourceError, OSError):
        return  # the listener was closed to stop


def _required(tls: ServerTls | None) -> ServerTls:
    assert tls is not None, "a listener with TLS has its certificates"
    return tls


def _cannot_listen(name: str, address: str, error: OSError) -> str:
    hints = {
        "EADDRINUSE": "another program has this port; stop it or choose another",
        "EACCES": "ports below 1024 need more rights: grant CAP_NET_BIND_SERVICE, or choose another",
        "EADDRNOTAVAIL": "this machine has no such address",
    }
    hint = hints.get(errno.errorcode.get(error.errno or 0, ""), "choose another address")
    return f"listener {name}: cannot listen on {address}: {error.strerror}. {hint[0].upper()}{hint[1:]}"


def serve(path: Path, workers: int | None = None) -> int:
    """Run the proxy in the foreground; returns the exit code. SIGHUP reloads, SIGTERM and SIGINT stop."""
    try:
        config = load(path)
        count = config.workers if workers is None else workers
        if count != 1:
            raise StartError("this version serves with one process; set workers = 1")
        log = _open_log(config)
        proxy = Proxy(config, log)
        sockets = proxy.open()
    except ConfigError as error:
        return _refuse(error, *error.others)
    except (RuleError, TlsError, StoreError, StartError) as error:
        return _refuse(error)
    gc.freeze()
    trio.run(_run, proxy, sockets)
    log.close()
    return 0


def _refuse(*errors: Exception) -> int:
    """Say why it does not start: all of it, each in a line."""
    for error in errors:
        print(f"mailproxy: error: {printable(str(error))}", file=sys.stderr)
    return 1


def _open_log(config: Config) -> Log:
    try:
        return Log(config.log.file, config.log.level)
    except OSError as error:
        cause = f"log.file: cannot open {config.log.file}: {error.strerror}"
        raise StartError(f"{cause}. Create its folder, or mend its permissions") from error


async def _run(proxy: Proxy, sockets: list[tuple[Listener, socket.socket]]) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(_signals, proxy)  # before anybody can read that we listen
        await proxy.run(sockets)
        nursery.cancel_scope.cancel()


async def _signals(proxy: Proxy, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """The second request to stop ends at once."""
    stops = 0
    with trio.open_signal_receiver(signal.SIGHUP, signal.SIGTERM, signal.SIGINT) as received:
        task_status.started()
        async for number in received:
            if number == signal.SIGHUP:
                proxy.reload()
                continue
            stops += 1
            if stops > 1:
                proxy.give_up()
            proxy.stop()


__all__ = ["Proxy", "StartError", "serve"]
