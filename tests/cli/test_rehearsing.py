"""What captured sessions are run with."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.conversations import Conversation
from mailproxy.capture.exchanges import Recording
from mailproxy.capture.model import Stream
from mailproxy.cli.rehearsing import rehearsing, terms_for
from mailproxy.config import load as load_config
from mailproxy.rules import load
from mailproxy.rules.shipped import shipped
from mailproxy.whatif.sessions import CapturedSession
from tests.whatif.recorded import captured, short

POP3 = """
S: +OK
C: USER aiko
S: +OK
C: PASS x
S: +OK
C: UIDL
S: +OK
S: 1 a-1
S: .
C: LIST
S: +OK
S: 1 10
S: .
C: DELE 1
S: +OK
C: QUIT
S: +OK
"""
CONFIG = """
[upstream.main]
host = "mail.example.com"
pop3 = { port = 995, tls = "implicit" }
[[listener]]
name = "desk"
protocol = "pop3"
address = "127.0.0.1:1110"
tls = "starttls"
upstream = "main"
[limits]
errors = 3
"""


def test_a_store_of_its_own_that_is_gone_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    keeps = load([path for path in shipped() if path.stem == "pop3-keep"])
    with BodyStore() as store, rehearsing(keeps) as rehearsal:
        session = captured("pop3", POP3, store)
        outcomes = [rehearsal.run(session, terms_for(session, None, tls=False)) for _ in range(2)]
        assert list(tmp_path.rglob("*.db"))
    assert not list(tmp_path.iterdir())
    assert short(outcomes[0], "answered") == ["DELE 1: keep"]
    assert short(outcomes[1]) == ["UIDL: answered", "LIST: answered", "DELE 1: answered"]


@pytest.mark.parametrize(
    ("listener", "protocol", "upstream", "required", "errors"),
    [
        ("desk", "pop3", "main", True, 3),
        ("another", "pop3", "198.51.100.9:995", False, 20),
        ("desk", "imap", "198.51.100.9:995", False, 20),
    ],
)
def test_the_listener_of_the_configuration(
    tmp_path: Path, listener: str, protocol: str, upstream: str, required: bool, errors: int
) -> None:
    (tmp_path / "mailproxy.toml").write_text(CONFIG)
    facts = {"listener": listener, "upstream": "198.51.100.9:995"}
    stream = Stream(0, "192.0.2.7:40000", "192.0.2.1:1110")
    session = CapturedSession(Recording(Conversation(1, stream, protocol, 0.0, "s1", "client", facts)))
    terms = terms_for(session, load_config(tmp_path / "mailproxy.toml"), tls=False)
    assert terms.upstream == upstream
    assert terms.options.tls_required is required
    assert terms.options.starttls is required
    assert terms.options.errors == errors
