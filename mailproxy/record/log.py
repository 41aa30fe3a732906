"""The log: what happened, one line an event, through structlog.

Nothing of structlog's global configuration or of the standard library's ``logging`` is
used: each :class:`Log` is whole by itself, and costs a few microseconds a command. A
session binds its id once, so that ``grep`` for the id shows the whole session.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import FilteringBoundLogger

from mailproxy.events import (
    Anomaly,
    CommandDone,
    Event,
    Failure,
    Fault,
    LegSecured,
    LoggedIn,
    LoginFailed,
    SessionEnded,
    SessionStarted,
    WouldHave,
)
from mailproxy.record.guard_lines import GUARDS
from mailproxy.record.lines import Clock, Render, command_lines, console_lines, json_lines
from mailproxy.record.sink import Sink
from mailproxy.record.usage_lines import USAGE

LEVELS = ("debug", "info", "warning", "error")

LEVEL_OF_FAULT = {
    Fault.CLIENT: "info",
    Fault.SERVER: "warning",
    Fault.NETWORK: "warning",
    Fault.TLS: "warning",
    Fault.CONFIG: "error",
    Fault.OURS: "error",
}


class Log:
    """A log into ``file`` (``-``: standard error) of all that has at least this ``level``.

    On a terminal a line is for people; into a file or a pipe it is JSON. Call
    ``flush`` once a second; warnings and errors are written at once. Not for threads.

    Raises:
        OSError: the file cannot be opened.
        ValueError: there is no such level.
    """

    def __init__(self, file: str = "-", level: str = "info", clock: Clock | None = None) -> None:
        if level not in LEVELS:
            raise ValueError(f"no log level is called {level!r}; there are {', '.join(LEVELS)}")
        self._sink = Sink(file, self._recovered)
        self._clock = clock or Clock()
        people = _for_people(file)
        self._quick = not people and level in ("debug", "info")
        chain = [_console(self._clock) if people else json_lines(self._clock)]
        wrapper = structlog.make_filtering_bound_logger(level)
        self._logger: FilteringBoundLogger = structlog.wrap_logger(
            _Lines(self._sink), processors=chain, wrapper_class=wrapper, context_class=dict
        ).bind()

    def session(self, id: str, **facts: object) -> Callable[[Event], None]:
        """The ``emit`` of one session: takes its events. ``id`` and the facts are on each line."""
        logger = self._logger.bind(session=id, **facts)
        if not self._quick:
            return lambda event: _SAY[type(event)](logger, event)
        render = command_lines(self._clock, {"session": id, **facts})

        def emit(event: Event) -> None:
            line = render(event) if isinstance(event, CommandDone) else None
            if line is not None:
                self._sink.write(line)
            else:
                _SAY[type(event)](logger, event)

        return emit

    def say(self, event: str, level: str = "info", **fields: object) -> None:
        """Logs what concerns no session, such as ``listening``, ``reload`` and ``stopping``."""
        getattr(self._logger, level)(event, **fields)

    def tell(self, event: Event) -> None:
        """Logs an event that is not of one session alone."""
        _SAY[type(event)](self._logger, event)

    def flush(self) -> None:
        """Writes what waits. Never raises: what cannot be written now is tried again."""
        self._sink.flush()

    def reopen(self) -> None:
        """Opens the file anew, after its rotation. When that fails, the old one stays, and says so."""
        try:
            self._sink.reopen()
        except OSError as error:
            self.say("log_reopen_failed", "error", file=self._sink.file, detail=error.strerror)

    def close(self) -> None:
        """The last flush. Nothing may be logged afterwards."""
        self._sink.close()

    def _recovered(self, failures: int, dropped: int) -> None:
        self.say("log_write_failed", "error", failures=failures, lines_lost=dropped)


class _Lines:
    """What structlog hands each finished line to: the method has the name of the level."""

    def __init__(self, sink: Sink) -> None:
        self.debug = self.info = sink.write
        self.warning = self.error = sink.urgent


def _for_people(file: str) -> bool:
    return file == "-" and sys.__stderr__ is not None and sys.__stderr__.isatty()


def _console(clock: Clock) -> Render:
    return console_lines(clock, not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


def _session_started(log: FilteringBoundLogger, event: SessionStarted) -> None:
    log.info(
        "session.start",
        protocol=event.protocol,
        listener=event.listener,
        client=event.client,
        upstream=event.upstream,
    )


def _leg_secured(log: FilteringBoundLogger, event: LegSecured) -> None:
    log.info("tls", side=event.side, version=event.version, cipher=event.cipher)


def _logged_in(log: FilteringBoundLogger, event: LoggedIn) -> None:
    log.info("login", user=event.user, mechanism=event.mechanism, tls=event.tls)


def _login_failed(log: FilteringBoundLogger, event: LoginFailed) -> None:
    log.warning("login.failed", user=event.user, mechanism=event.mechanism)


def _command_done(log: FilteringBoundLogger, event: CommandDone) -> None:
    seconds = int(event.seconds * 1e6) / 1e6  # a third of the cost of round()
    if event.rule or event.why:
        log.info(
            "command",
            verb=event.verb,
            text=event.text,
            verdict=event.verdict,
            status=event.status,
            seconds=seconds,
            rule=event.rule,
            why=event.why,
        )
    else:
        log.info(
            "command",
            verb=event.verb,
            text=event.text,
            verdict=event.verdict,
            status=event.status,
            seconds=seconds,
        )


def _would_have(log: FilteringBoundLogger, event: WouldHave) -> None:
    log.info("rule.observed", verb=event.verb, rule=event.rule, action=event.action)


def _anomaly(log: FilteringBoundLogger, event: Anomaly) -> None:
    log.warning("anomaly", name=event.name, side=event.side, detail=event.detail)


def _failure(log: FilteringBoundLogger, event: Failure) -> None:
    say = getattr(log, LEVEL_OF_FAULT[event.fault])
    say("failure", fault=event.fault.value, what=event.what, detail=event.detail)


def _session_ended(log: FilteringBoundLogger, event: SessionEnded) -> None:
    log.info(
        "session.end",
        protocol=event.protocol,
        client=event.client,
        user=event.user,
        seconds=round(event.seconds, 3),
        commands=event.commands,
        octets_in=event.octets_in,
        octets_out=event.octets_out,
        tls_client=event.tls_client,
        tls_server=event.tls_server,
        verdicts=event.verdicts,
        reason=event.reason,
    )


_SAY: dict[type, Callable[[FilteringBoundLogger, Any], None]] = {
    SessionStarted: _session_started,
    LegSecured: _leg_secured,
    LoggedIn: _logged_in,
    LoginFailed: _login_failed,
    CommandDone: _command_done,
    WouldHave: _would_have,
    Anomaly: _anomaly,
    Failure: _failure,
    SessionEnded: _session_ended,
    **USAGE,
    **GUARDS,
}
"""How each kind of event is said; a new kind of event needs a row."""
