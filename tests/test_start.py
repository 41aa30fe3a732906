"""What keeps a proxy from starting is said in a sentence for the person who can mend it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.proxy_process import COMMAND, PROJECT, Way, configuration
from tests.servers.authority import make_authority
from tests.servers.ports import LOOPBACK, free_ports

NOBODY_MAY_WRITE = Path("/proc/mailproxy-test")  # not even root
PRIVILEGED = 1023


@dataclass
class Start:
    """A configuration, and the command that starts a proxy with it."""

    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    rules: tuple[str, ...] = ()
    log_file: str = "mailproxy.log"
    state: str = "state"
    more: str = ""

    def fails(self, *before: str) -> str:
        """What it says on standard error; it ends with exit code 1, and without a trace of Python."""
        ca = make_authority(self.folder).ca
        ways = [Way("w", "pop3", "implicit", "none", 110, ca)]
        config = self.folder / "mailproxy.toml"
        config.write_text(configuration(ways, [self.port], self.rules, self.log_file, self.state) + self.more)
        done = subprocess.run(
            [*before, *COMMAND, "run", "--config", str(config)],
            capture_output=True,
            text=True,
            cwd=PROJECT,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1, done
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
        assert done.stderr.startswith("mailproxy: error: ")
        return done.stderr


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(tmp_path)


def test_a_broken_rule(start: Start) -> None:
    rule = '[[rule]]\nname = "a"\nwhy = "b"\non = ["pop3 DELEX"]\ndo = "block"\n'
    (start.folder / "mine.toml").write_text(rule)
    start.rules = ("mine.toml",)
    assert f"{start.folder}/mine.toml:4" in start.fails()


def test_a_rule_file_that_is_no_toml(start: Start) -> None:
    (start.folder / "mine.toml").write_text("[[rule]]\nname = \n")
    start.rules = ("mine.toml",)
    assert f"{start.folder}/mine.toml:2" in start.fails()


def test_a_rule_whose_example_fails(start: Start) -> None:
    rule = '[[rule]]\nname = "a"\nwhy = "b"\non = ["pop3 DELE"]\ndo = "block"\n'
    (start.folder / "mine.toml").write_text(rule + '[[rule.example]]\nsend = ["DELE 1"]\nexpect = "allow"\n')
    start.rules = ("mine.toml",)
    assert f"{start.folder}/mine.toml:" in start.fails()


def test_a_port_in_use(start: Start) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        start.port = other.getsockname()[1]
        said = start.fails()
    assert f"listener w: cannot listen on {LOOPBACK}:{start.port}: Address already in use" in said
    assert "stop it or choose another" in said


def test_a_port_that_takes_more_rights(start: Start) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if first <= PRIVILEGED:
        pytest.skip(f"here anybody may listen on port {PRIVILEGED}")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is not here; it is part of util-linux")
    start.port = PRIVILEGED
    without = "-net_bind_service"
    said = start.fails(setpriv, f"--inh-caps={without}", f"--bounding-set={without}")
    assert f"listener w: cannot listen on {LOOPBACK}:{PRIVILEGED}: Permission denied" in said
    assert "grant CAP_NET_BIND_SERVICE, or choose another" in said


def test_a_log_that_cannot_be_written(start: Start) -> None:
    start.log_file = str(NOBODY_MAY_WRITE)
    said = start.fails()
    assert f"log.file: cannot open {NOBODY_MAY_WRITE}: " in said
    assert "mend its permissions" in said


def test_a_state_folder_that_cannot_be_made(start: Start) -> None:
    start.state = str(NOBODY_MAY_WRITE)
    assert str(NOBODY_MAY_WRITE) in start.fails()


def test_a_broken_certificate(start: Start) -> None:
    (start.folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    start.more = '\n[tls]\ncertificate = "broken.pem"\nkey = "key.pem"\n'
    assert f"{start.folder}/broken.pem" in start.fails()


def test_a_configuration_with_a_mistake(start: Start) -> None:
    start.more = "\n[limits]\nsesions = 3\n"
    said = start.fails()
    assert f"{start.folder}/mailproxy.toml:" in said
    assert 'Did you mean "sessions"?' in said
