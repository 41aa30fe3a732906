"""A thread that finishes capture files: packing one takes seconds, in which the next one must be written."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from mailproxy.capture.active_file import ActiveFile
from mailproxy.capture.finished import Finished

_TICK = 5.0  # seconds between two looks at how much there is
_MOST_OPEN = 32  # files that wait: each has a descriptor, and sessions need theirs


class Keeper:
    """Takes files over when nothing more is written to them. ``over``: octets that are still too many."""

    def __init__(self, finished: Finished) -> None:
        self.over = 0
        self._finished = finished
        self._left = False  # files that did not wait here are to be finished, too
        self._files: queue.SimpleQueue[ActiveFile | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="captures, finished", daemon=True)
        self._thread.start()

    def finish(self, file: ActiveFile) -> None:
        """Nothing more is written to the file. Its lock goes with it. Does not wait."""
        if self._files.qsize() < _MOST_OPEN:
            self._files.put(file)
        else:  # it is found again, as those that a crash left
            self._left = True
            file.close()

    def close(self, seconds: float) -> None:
        """Finishes what is there, and waits for that up to ``seconds``; the next start does the rest."""
        self._files.put(None)
        self._thread.join(max(seconds, 0.0))

    def _run(self) -> None:
        self._harmless(self._finished.recover)
        more = True
        while more:
            self._harmless(self._expire)
            try:
                file = self._files.get(timeout=_TICK)
            except queue.Empty:
                if self._left:
                    self._left = False
                    self._harmless(self._finished.recover)
                continue
            if file is None:
                more = False
            else:
                self._harmless(partial(self._finished.finish, file.path, file.descriptor, file.broken))
                file.close()
        self._harmless(self._expire)

    def _expire(self) -> None:
        self.over = self._finished.expire()

    def _harmless(self, work: Callable[[], None]) -> None:
        """Whatever it raises: without this thread, files would stay open for ever."""
        with suppress(Exception):
            work()
