"""An X display of its own for a program with windows, with somebody who types."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.requirements import need_program

STOP_SECONDS = 20


@dataclass(frozen=True)
class Display:
    """A running X server, and the home of the one program on it.

    ``sockets`` is the folder for the program's own sockets, whose paths must be short.
    """

    home: Path
    number: str
    sockets: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "TMPDIR": self.sockets,
            "XDG_RUNTIME_DIR": self.sockets,
            "DISPLAY": f":{self.number}",
            "GDK_BACKEND": "x11",
            "NO_AT_BRIDGE": "1",
        }

    def windows(self, title: str) -> list[str]:
        """The windows with such a title (a regular expression), as xdotool names them."""
        return self._xdotool("search", "--onlyvisible", "--name", title).split()

    def type_into(self, window: str, text: str) -> None:
        """Type the text there, and Return."""
        self._xdotool("windowfocus", "--sync", window, "type", text)
        self._xdotool("key", "Return")

    @contextmanager
    def running(self, program: Path, *words: str | Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """The program on this display; SIGTERM (in the end SIGKILL) at the end, if it still runs then."""
        with (self.home / "said").open("ab") as said:
            process = subprocess.Popen(
                [program, *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**self.environment, **more},
                cwd=self.home,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            end_process(process)

    def _xdotool(self, *words: str) -> str:
        # it exits with 1 when there is no such window
        done = subprocess.run(
            [need_program("xdotool", "xdotool"), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=STOP_SECONDS,
            check=False,
        )
        return done.stdout


@contextmanager
def display_for(home: Path) -> Iterator[Display]:
    """An X server without a screen, for one run of one program."""
    with tempfile.TemporaryDirectory(prefix="mailproxy-x-") as sockets, _x_server() as number:
        yield Display(home, number, sockets)


@contextmanager
def _x_server() -> Iterator[str]:
    ready, theirs = os.pipe()
    process = subprocess.Popen(
        [need_program("Xvfb", "xvfb"), "-displayfd", str(theirs), "-nolisten", "tcp", "-noreset"],
        pass_fds=(theirs,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        with open(ready, encoding="ascii") as said:
            number = said.readline().strip()
        assert number, f"Xvfb ended with {process.wait(STOP_SECONDS)}"
        yield number
    finally:
        end_process(process)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL when that does not help."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
