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

from tests.secrets_check import assert_no_secrets
from tests.servers.daemon import last_lines
from tests.servers.endpoints import ACCOUNTS, Door, Protocol, Tls
from tests.servers.ports import LOOPBACK, answers, free_ports
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
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def door(self, name: str) -> Door:
        """Where a client goes in for the way of that name."""
        return self.doors[name]

    def events(self) -> list[dict[str, Any]]:
        """All whole log lines so far."""
        return read_events(self.log)

    def await_event(self, name: str, **fields: object) -> dict[str, Any]:
        """The first event of that name with these fields, once it is logged."""

        def look() -> dict[str, Any] | None:
            for event in self.events():
                if event["event"] == name and fields.items() <= event.items():
                    return event
            return None

        return until(look, f"{name} in the log")

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
def mailproxy_running(
    folder: Path,
    ways: Sequence[Way],
    rules: Sequence[Path | str] = (),
    *,
    more: str = "",
    log_file: str = "mailproxy.log",
    ca: Path | None = None,
    code: int = 0,
) -> Iterator[Proxy]:
    """Start mailproxy with a listener for each way, wait until it listens everywhere; SIGTERM at the end.

    ``more`` is further TOML for the configuration file, ``ca`` what clients trust if that is not
    the proxy's own authority, and ``code`` the exit code to come.

    Raises AssertionError when it stops early, does not listen, does not end as it should,
    or has written a password of one of :data:`ACCOUNTS` anywhere.
    """
    config, log, output = folder / "mailproxy.toml", folder / log_file, folder / "output.log"
    ports = free_ports(len(ways))
    config.write_text(configuration(ways, ports, rules, log_file) + more)
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
        _await_listening(process, log, output, ports)
        trusted = ca or _ca_file(config)
        doors = {
            way.name: Door(port, way.client, trusted if way.client != "none" else None)
            for way, port in zip(ways, ports, strict=True)
        }
        yield Proxy(config, log, trusted, doors, process, output)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert process.returncode == code, f"ended with {process.returncode}: {last_lines(output)}"
    assert "Traceback" not in output.read_text(), last_lines(output)
    assert_no_secrets(folder, ACCOUNTS)


def read_events(log: Path) -> list[dict[str, Any]]:
    """Every whole line of a log; what is still being written is left for the next time."""
    if not log.is_file():
        return []
    lines = log.read_bytes().rpartition(b"\n")[0].splitlines()
    return [json.loads(line) for line in lines]


def configuration(
    ways: Sequence[Way],
    ports: Sequence[int],
    rules: Sequence[Path | str] = (),
    log_file: str = "mailproxy.log",
    state: str = "state",
) -> str:
    """A configuration file with a listener for each way."""
    files = ", ".join(f'"{path}"' for path in rules)
    text = f'state = "{state}"\n[log]\nfile = "{log_file}"\n[rules]\nfiles = [{files}]\n'
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


def _await_listening(process: subprocess.Popen[bytes], log: Path, output: Path, ports: Sequence[int]) -> None:
    def look() -> bool:
        ended = f"mailproxy ended with {process.poll()}: {last_lines(output)}"
        assert process.poll() is None, ended
        if log.exists() and not log.is_file():  # a device keeps no lines
            return all(answers(port) for port in ports)
        listening = [event for event in read_events(log) if event["event"] == "listening"]
        return len(listening) >= len(ports)

    until(look, f"{len(ports)} lines that say listening in {log}", seconds=60)


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
