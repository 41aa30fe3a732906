"""Starts proxies by a fork server, and waits for their ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.places import Line, Place, places

PROJECT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 60


@dataclass(slots=True)
class Run:
    """One proxy: the port on which it listens, and, when it has ended, whether it was killed."""

    port: int
    killed: bool = False


class Forks:
    """One fork server, for one proxy after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @contextmanager
    def proxy(
        self, config: Path, fault: str = "none", place: Place | None = None, lines: Path | None = None
    ) -> Iterator[Run]:
        """A proxy that is killed at ``place``, or whose lines are written down; its end is waited for."""
        request: dict[str, Any] = {"config": str(config), "fault": fault}
        if place is not None:
            request["place"] = (place.file, place.line, place.time)
        if lines is not None:
            request["lines"] = str(lines)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        started = self._answer()
        run = Run(started["port"])
        try:
            yield run
        except BaseException:
            # The number is not given to another process before the fork server has told of its end.
            os.kill(started["pid"], signal.SIGKILL)
            raise
        finally:
            status = self._answer()["ended"]
        run.killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert run.killed or status == 0, f"a proxy ended with the status {status}"

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the fork server has ended"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer


@contextmanager
def fork_server() -> Iterator[Forks]:
    """A fork server that runs meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.fork_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        text=True,
    ) as process:
        try:
            yield Forks(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def moments(lines: Path) -> tuple[list[Place], list[Place]]:
    """What a proxy has written down of its life: until its session ended, and from there on."""
    told = json.loads(lines.read_bytes())
    rows: list[Line] = [(file, line) for file, line in told["lines"]]
    passed = list(places(rows))
    return passed[: told["session"]], passed[told["session"] :]
