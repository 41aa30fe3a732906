"""mailproxy check: everything that would keep a configuration from working."""

from __future__ import annotations

import json
import os
import socket

import pytest
import trustme
from typer.testing import CliRunner

from mailproxy.cli import app

SMALL = """\
[upstream.main]
host = "127.0.0.1"
imap = { port = 993, tls = "implicit" }

[[listener]]
protocol = "imap"
address  = "127.0.0.1:1993"
tls      = "implicit"
upstream = "main"
"""

RULE = """\
[[rule]]
name = "no-deletion"
why = "Mail stays."
on = ["pop3 DELE"]
do = "block"
[[rule.example]]
send = ["DELE 1"]
expect = "EXPECT"
"""


@pytest.fixture
def check(tmp_path):
    """Writes a configuration, and gives the exit code and the findings of both kinds of output."""

    def check(text: str):
        file = tmp_path / "m.toml"
        file.write_text(text)
        told = CliRunner().invoke(app, ["check", "--config", str(file)])
        listed = CliRunner().invoke(app, ["check", "--config", str(file), "--json"])
        answer = json.loads(listed.stdout)
        assert told.exit_code == listed.exit_code == (0 if answer["ok"] else 1)
        assert ("OK" in told.stdout) == answer["ok"]
        for finding in answer["findings"]:
            assert f"mailproxy: {finding['severity']}: {finding['file']}" in told.stderr
            assert finding["cause"] in told.stderr
        return told.exit_code, answer["findings"]

    return check


def test_ok(check, tmp_path):
    (tmp_path / "r.toml").write_text(RULE.replace("EXPECT", "block"))
    assert check(SMALL + '[rules]\nfiles = ["r.toml"]\n') == (0, [])


def test_every_problem_of_the_file(check):
    code, findings = check("workers = -1\nnonsense = 1\n" + SMALL)
    assert code == 1
    assert [(finding["line"], finding["key"]) for finding in findings] == [(1, "workers"), (2, "nonsense")]


def test_one_process_only(check):
    code, [finding] = check("workers = 2\n" + SMALL)
    assert (code, finding["key"]) == (1, "workers")


def test_no_file(tmp_path):
    result = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 1
    assert "there is no such file" in result.stderr


def test_rule_whose_example_fails(check, tmp_path):
    (tmp_path / "r.toml").write_text(RULE.replace("EXPECT", "forward"))
    code, [finding] = check(SMALL + '[rules]\nfiles = ["*r.toml"]\n')
    assert (code, finding["file"]) == (1, str(tmp_path / "r.toml"))
    assert finding["line"] > 0


def test_certificates(check, tmp_path):
    authority = trustme.CA()
    one, other = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    one.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    one.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    os.chmod(tmp_path / "key.pem", 0o600)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    text = (
        SMALL.replace("[[", 'ca_file = "ca.pem"\n[[') + '[tls]\ncertificate = "cert.pem"\nkey = "key.pem"\n'
    )
    assert check(text) == (0, [])
    os.chmod(tmp_path / "key.pem", 0o644)
    assert [finding["severity"] for finding in check(text)[1]] == ["warning"]
    os.chmod(tmp_path / "key.pem", 0o600)
    other.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    (tmp_path / "ca.pem").write_text("nothing")
    code, findings = check(text)
    assert code == 1
    assert [finding["key"] for finding in findings] == ["tls.certificate", "upstream.main.ca_file"]


def test_host_without_address(check, monkeypatch):
    def nobody(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    code, [finding] = check(SMALL)
    assert (code, finding["key"]) == (1, "upstream.main.host")


def test_a_door_open_to_all_is_a_warning(check):
    code, [finding] = check(
        SMALL.replace("127.0.0.1:1993", "0.0.0.0:1993").replace('tls      = "implicit"', 'tls = "none"')
    )
    assert (code, finding["severity"], finding["key"]) == (0, "warning", "listener[0].tls")
