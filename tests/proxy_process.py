"""One real ``mailproxy run`` as a process of its own, watched through its log."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.daemon import last_lines
from tests.servers.endpoints import Door, Protocol, Tls
from tests.servers.ports import LOOPBACK, free_ports
from tests.waiting import until

PROJECT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "mailproxy")
STOP_SECONDS = 60

UPSTREAM = """
[upstream.{name}]
host = "{host}"
ca_file = "{ca}"
{protocol} = {{ port = {port}, tls = "{tls}" }}
"""

LISTENER = """
[[listener]]
name = "{name}"
protocol = "{protocol}"
address = "{host}:{port}"
tls = "{tls}"
upstream = "{name}"
"""


@dataclass(frozen=True)
class Way:
    """One way through the proxy: the client's leg, and the server's with its port and CA."""

    name: str
    protocol: Protocol
    client: Tls
    server: Tls
    server_port: int
    ca: Path


@dataclass(frozen=True)
class Proxy:
    """A running mailproxy."""

    config: Path
    log: Path
    ca: Path
    doors: dict[str, Door]
    pid: int

    def door(self, name: str) -> Door:
        """Where a client goes in for the way of that name."""
        return self.doors[name]

    def events(self) -> list[dict[str, Any]]:
        """All whole log lines so far."""
        return read_events(self.log)

    def await_session_end(self, name: str) -> dict[str, Any]:
        """The ``session.end`` of the last session that came in by that way, once it is logged."""

        def look() -> dict[str, Any] | None:
            events = self.events()
            started = [
                event["session"]
                for event in events
                if event["event"] == "session.start" and event["listener"] == name
            ]
            ended = {event["session"]: event for event in events if event["event"] == "session.end"}
            return ended.get(started[-1]) if started else None

        return until(look, f"session.end of {name} in the log")


@contextmanager
def mailproxy_running(folder: Path, ways: Sequence[Way], rules: Sequence[Path] = ()) -> Iterator[Proxy]:
    """Start mailproxy with a listener for each way, wait until it listens everywhere; SIGTERM at the end.

    Raises AssertionError when it stops early, does not listen, or does not end well.
    """
    config, log, output = folder / "mailproxy.toml", folder / "mailproxy.log", folder / "output.log"
    ports = free_ports(len(ways))
    config.write_text(_config(ways, ports, rules))
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [*COMMAND, "run", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=PROJECT,
            start_new_session=True,
        )
    try:
        _await_listening(process, log, output, len(ways))
        ca = _ca_file(config)
        doors = {
            way.name: Door(port, way.client, ca if way.client != "none" else None)
            for way, port in zip(ways, ports, strict=True)
        }
        yield Proxy(config, log, ca, doors, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert process.returncode == 0, f"ended with {process.returncode}: {last_lines(output)}"
    assert "Traceback" not in output.read_text(), last_lines(output)


def read_events(log: Path) -> list[dict[str, Any]]:
    """Every whole line of a log; what is still being written is left for the next time."""
    if not log.exists():
        return []
    lines = log.read_bytes().rpartition(b"\n")[0].splitlines()
    return [json.loads(line) for line in lines]


def _config(ways: Sequence[Way], ports: Sequence[int], rules: Sequence[Path]) -> str:
    files = ", ".join(f'"{path}"' for path in rules)
    text = f'state = "state"\n[log]\nfile = "mailproxy.log"\n[rules]\nfiles = [{files}]\n'
    for way, port in zip(ways, ports, strict=True):
        text += UPSTREAM.format(
            name=way.name,
            host=LOOPBACK,
            ca=way.ca,
            protocol=way.protocol,
            port=way.server_port,
            tls=way.server,
        )
        text += LISTENER.format(
            name=way.name, protocol=way.protocol, host=LOOPBACK, port=port, tls=way.client
        )
    return text


def _await_listening(process: subprocess.Popen[bytes], log: Path, output: Path, count: int) -> None:
    def look() -> bool:
        ended = f"mailproxy ended with {process.poll()}: {last_lines(output)}"
        assert process.poll() is None, ended
        listening = [event for event in read_events(log) if event["event"] == "listening"]
        return len(listening) >= count

    until(look, f"{count} lines that say listening in {log}", seconds=60)


def _ca_file(config: Path) -> Path:
    shown = subprocess.run(
        [*COMMAND, "ca", "show", "--config", str(config)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    ca = Path(shown.stdout.strip())
    assert ca.is_file(), shown.stdout
    return ca
