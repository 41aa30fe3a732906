"""Captures that a running mailproxy has made of real sessions, and the commands that play them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.proxy_process import COMMAND, PROJECT, Proxy
from tests.servers.endpoints import Account, Door, Protocol, Tls
from tests.servers.ports import LOOPBACK
from tests.waiting import until

ALL = "[capture]\nall = true\ncompress = true\n"
EACH_SESSION = f"{ALL}per_session = true\n"
BOTH_LEGS_WHOLE = "server_message_octets = 1000000000\n"
SECONDS = 90

T = TypeVar("T")


def recorded(proxy: Proxy, protocol: Protocol, act: Callable[[], T]) -> tuple[T, Path]:
    """What ``act`` gives, and the finished file of the one session that it made; with EACH_SESSION only."""
    folder = proxy.config.parent / "state/captures"
    pattern = f"*-{protocol}-*.pcapng.gz"
    before = set(folder.glob(pattern))
    done = act()

    def look() -> Path | None:
        new = set(folder.glob(pattern)) - before
        assert len(new) < 2, f"more than one session: {sorted(new)}"
        return next(iter(new), None)

    return done, until(look, f"new file {pattern} in {folder}")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    output: str
    errors: str

    def __str__(self) -> str:
        return f"ended with {self.code}: {self.output[-3000:]}{self.errors[-3000:]}"


def mailproxy(*words: str | Path, password: str = "") -> Ended:
    """Run a command of mailproxy to its end; ``password`` goes by the environment."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "MAILPROXY_PASSWORD": password, "NO_COLOR": "1"},
        cwd=PROJECT,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def replay_server(folder: Path, capture: Path, tls: Tls, *words: str) -> Iterator[Door]:
    """``mailproxy replay server`` as a process of its own; SIGTERM at the end, which it obeys with 0."""
    complaints = folder / "replay-server.log"
    command = [*COMMAND, "replay", "server", str(capture), "--tls", tls, "--json", *words]
    with (
        complaints.open("wb") as errors,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=PROJECT
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, complaints.read_text()
            said = json.loads(line)
            ca = said.get("ca_file")
            yield Door(said["listening"][0]["port"], tls, Path(ca) if ca else None)
        finally:
            process.terminate()
            process.wait(SECONDS)
    assert process.returncode == 0, complaints.read_text()
    assert "Traceback" not in complaints.read_text(), complaints.read_text()


def replay_client(capture: Path, port: int, ca: Path, account: Account, words: Sequence[str] = ()) -> Ended:
    """``mailproxy replay client`` against a server on this machine."""
    to = f"{LOOPBACK}:{port}"
    return mailproxy(
        "replay", "client", capture, "--to", to, "--ca-file", ca, *words, password=account.password
    )
