"""The check itself finds what it looks for."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import pytest

from tests.proxy_process import Way, mailproxy_running
from tests.scripted_server import scripted, talk
from tests.secrets_check import assert_no_secrets, leaked
from tests.servers.authority import make_authority
from tests.servers.endpoints import ACCOUNTS, ALICE, BOB

WORD = ALICE.password.encode()

LEAKS = {
    "raw": b'{"text": "PASS ' + WORD + b'"}\n',
    "in the middle of octets": b"\x00\xff" + WORD + b"\xff",
    "base64": base64.b64encode(WORD),
    "AUTH PLAIN": b"AUTH PLAIN " + base64.b64encode(b"\0alice\0" + WORD),
    "AUTH PLAIN with two names": base64.b64encode(b"alice\0alice\0" + WORD),
    "AUTH PLAIN with other names": base64.b64encode(b"al\0alice\0" + WORD + b"\0"),
    "base64 behind one octet": base64.b64encode(b"x" + WORD + b"yz"),
    "base64 behind two octets": base64.b64encode(b"xy" + WORD + b"z"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/file").write_bytes(b"before " + LEAKS[name] + b" behind")
    (tmp_path / "harmless").write_bytes(b"PASS <secret>")
    assert leaked(tmp_path, ACCOUNTS) == ["state/file: alice's"]
    with pytest.raises(AssertionError) as raised:
        assert_no_secrets(tmp_path, ACCOUNTS)
    assert WORD.decode() not in str(raised.value)


def test_a_leak_is_found_in_a_compressed_file(tmp_path: Path) -> None:
    (tmp_path / "capture.pcapng.gz").write_bytes(gzip.compress(b"PASS " + WORD))
    assert leaked(tmp_path, ACCOUNTS) == ["capture.pcapng.gz: alice's"]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(base64.b64encode(b"\0alice\0another") + b" tea party 31")
    assert leaked(tmp_path, ACCOUNTS) == []


def test_each_account_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b" ".join(account.password.encode() for account in ACCOUNTS))
    assert leaked(tmp_path, ACCOUNTS) == ["log: alice's", "log: bob's", "log: carol's"]


def leave_a_password_in_the_log(folder: Path) -> None:
    """A login name is logged: a password given as one stands for a mistake of ours."""
    ca = make_authority(folder).ca
    with (
        scripted(b"+OK ready\r\n", b"+OK\r\n", b"-ERR no\r\n") as server,
        mailproxy_running(folder, [Way("w", "pop3", "none", "none", server.port, ca)], ca=ca) as proxy,
    ):
        talk(proxy.door("w").port, f"USER {BOB.password}\r\n".encode(), b"PASS x\r\n")
        proxy.await_session_end("w")


def test_a_proxy_that_writes_a_password_fails_its_test(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"passwords were written: \[.*mailproxy\.log: bob's"):
        leave_a_password_in_the_log(tmp_path)
