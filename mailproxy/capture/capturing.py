"""The captures of one running proxy: which sessions are recorded, and what becomes of failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailproxy.capture.allocator import keep_freed_memory
from mailproxy.capture.recorder import Recorder, Waits, What
from mailproxy.capture.writer import CaptureWriter, Options
from mailproxy.session.screen import LOGINS

CLOSE_SECONDS = 10.0  # for what is not on the disk yet when the proxy stops
_SAY_AGAIN = 10  # calls of report: losses are not told more often, for a full disk brings them all the time
Say = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``everything``: all sessions are recorded; else those that a rule wants."""

    everything: bool
    what: What
    files: Options


class Capturing:
    """Makes recorders. One for a process; no file is made before a session is recorded.

    ``say(event, level, **fields)`` logs.
    """

    def __init__(self, wanted: Wanted, say: Say) -> None:
        self._wanted = wanted
        self._say = say
        self._writer: CaptureWriter | None = None
        self._failed: str | None = None  # why, as it was told
        self._lost = 0  # octets, as they were told
        self._quiet = 0  # calls of report until they may be told again

    def start(self) -> None:
        """Look after files that an earlier process has left; sessions will be recorded. Never raises."""
        if self._writer is not None or self._failed:
            return
        keep_freed_memory()
        try:
            self._writer = CaptureWriter(self._wanted.files, _ignore, _ignore)
        except Exception as error:  # as when there may be no more threads
            self._failed = f"its threads cannot be started ({type(error).__name__})"
            self._say(
                "capture_failed",
                "error",
                cause=self._failed,
                hint="mail goes on without; restart to try again",
            )

    def session(self, session: str, protocol: str, upstream: str, verbs: frozenset[str]) -> Recorder | None:
        """The recorder of a new session; None when it is not to be recorded.

        ``verbs`` are those about which a rule may want it.
        """
        if not (self._wanted.everything or verbs):
            return None
        self.start()
        if self._writer is None:
            return None
        waits = Waits.LOGIN if verbs <= LOGINS else Waits.END
        if self._wanted.everything:
            waits = Waits.NEVER
        return Recorder(session, protocol, self._writer, self._wanted.what, upstream=upstream, waits=waits)

    def report(self) -> None:
        """Log what has changed since the last call: captures that cannot be written, or can again.

        To be called once a second.
        """
        writer = self._writer
        if writer is None:
            return
        if writer.why and writer.why != self._failed:
            folder = str(self._wanted.files.folder)
            self._say(
                "capture_failed",
                "error",
                folder=folder,
                cause=writer.why,
                hint="mail goes on without captures",
            )
        self._quiet = max(self._quiet - 1, 0)
        lost = writer.lost_octets - self._lost
        if lost and not self._quiet:
            self._say("capture_lost", "error", octets=lost)
            self._lost, self._quiet = self._lost + lost, _SAY_AGAIN
        if self._failed and not writer.why:
            self._say("capture_recovered", "info")
        self._failed = writer.why or None

    def close(self) -> None:
        """Write what waits, and finish the files. No session is open any more."""
        if self._writer is not None:
            self._writer.close(CLOSE_SECONDS)
            self._quiet = 0
            self.report()


def _ignore(told: object) -> None:
    """The writer says it in its own thread, where nothing may be logged: :meth:`Capturing.report` asks."""
