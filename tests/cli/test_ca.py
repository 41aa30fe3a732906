"""``mailproxy ca show`` and ``export``."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from mailproxy.cli.ca import app

CONFIG = """\
state = "state"
[tls]
names = ["localhost", "127.0.0.1", "mail.example.com"]
{more}
[upstream.main]
host = "127.0.0.1"
imap = {{ port = 993, tls = "implicit" }}
[[listener]]
protocol = "imap"
address = "127.0.0.1:1993"
tls = "implicit"
upstream = "main"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "mailproxy.toml"
    path.write_text(CONFIG.format(more=""))
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tls" / "ca.pem"


def test_show_makes_the_authority_and_prints_its_path(config: Path, made: Path) -> None:
    first = CliRunner().invoke(app, ["show", "--config", str(config)])
    assert (first.exit_code, first.stdout, first.stderr) == (0, f"{made}\n", "")
    content = made.read_bytes()
    again = CliRunner().invoke(app, ["show", "--config", str(config)])
    assert again.stdout == first.stdout
    assert made.read_bytes() == content


def test_show_as_json(config: Path, made: Path) -> None:
    result = CliRunner().invoke(app, ["show", "--json", "--config", str(config)])
    certificate = x509.load_pem_x509_certificate(made.read_bytes())
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    assert json.loads(result.stdout) == {
        "path": str(made),
        "fingerprint": digest.hex(":").upper(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "names": ["localhost", "127.0.0.1", "mail.example.com"],
    }


def test_show_needs_no_key_and_no_fitting_names(config: Path, made: Path) -> None:
    CliRunner().invoke(app, ["show", "--config", str(config)])
    made.with_name("ca-key.pem").unlink()
    config.write_text(config.read_text().replace("localhost", "other.example"))
    assert CliRunner().invoke(app, ["show", "--config", str(config)]).stdout == f"{made}\n"


@pytest.mark.parametrize("format_", ["pem", "der"])
@pytest.mark.parametrize("to_file", [True, False])
def test_export_writes_the_certificate_alone(
    config: Path, made: Path, tmp_path: Path, format_: str, to_file: bool
) -> None:
    out = tmp_path / "exported"
    more = ["--out", str(out)] if to_file else []
    result = CliRunner().invoke(app, ["export", "--config", str(config), "--format", format_, *more])
    assert (result.exit_code, result.stderr) == (0, "")
    data = out.read_bytes() if to_file else result.stdout_bytes
    if format_ == "pem":
        assert data == made.read_bytes()
    else:
        certificate = x509.load_pem_x509_certificate(made.read_bytes())
        assert data == certificate.public_bytes(Encoding.DER)


def on_a_terminal(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what the terminal shows, and standard error."""
    shown, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", "from mailproxy.cli.ca import app; app()", *arguments],
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    os.write(terminal, b"\x00")  # so that there is something to read
    text = os.read(shown, 65536).decode().removesuffix("\x00")
    os.close(terminal)
    os.close(shown)
    return done.returncode, text, done.stderr


def test_a_person_is_told_how_to_trust_it(config: Path, made: Path) -> None:
    code, shown, told = on_a_terminal("export", "--config", str(config))
    assert code == 0
    assert shown.replace("\r\n", "\n").encode() == made.read_bytes()
    for word in ("Thunderbird", "Debian", "macOS", "Windows", str(made), "mail.example.com", "SHA-256"):
        assert word in told


def test_binary_does_not_go_to_a_terminal(config: Path) -> None:
    code, shown, told = on_a_terminal("export", "--config", str(config), "--format", "der")
    assert (code, shown) == (1, "")
    assert "--out" in told


def loose_key(config: Path) -> str:
    CliRunner().invoke(app, ["show", "--config", str(config)])
    folder = config.parent / "state" / "tls"
    (folder / "ca.pem").unlink()
    (folder / "ca-key.pem").chmod(0o644)
    return "chmod 600"


def own_certificate(config: Path) -> str:
    (config.parent / "c.pem").touch()
    (config.parent / "k.pem").touch(0o600)
    config.write_text(CONFIG.format(more='certificate = "c.pem"\nkey = "k.pem"'))
    return "no local CA"


def no_configuration(config: Path) -> str:
    config.unlink()
    return "mailproxy.toml"


@pytest.mark.parametrize("spoil", [loose_key, own_certificate, no_configuration])
@pytest.mark.parametrize("command", ["show", "export"])
def test_what_goes_wrong_is_said_in_a_line(config: Path, spoil, command: str) -> None:  # type: ignore[no-untyped-def]
    says = spoil(config)
    result = CliRunner().invoke(app, [command, "--config", str(config)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert says in result.stderr
    assert result.stderr.startswith("mailproxy: ")
    assert result.stderr.count("\n") == 1


def test_a_file_that_cannot_be_written_is_named(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "ca.pem"
    result = CliRunner().invoke(app, ["export", "--config", str(config), "--out", str(out)])
    assert result.exit_code == 1
    assert str(out) in result.stderr
