from __future__ import annotations

import pytest

from mailproxy.rules.lines import BadLine, command_from_line


def test_commands() -> None:
    command = command_from_line("imap", b"a.1 uid Store 1 +FLAGS (x)")
    assert (command.verb, command.tag, command.args) == ("UID STORE", b"a.1", b"1 +FLAGS (x)")
    assert command.line == b"a.1 uid Store 1 +FLAGS (x)\r\n"
    assert command.spec is not None
    assert command.spec.removes
    assert command_from_line("imap", b"a APPEND x {3+}").partial
    assert not command_from_line("imap", b'a SEARCH SUBJECT "{9+}"').partial
    assert command_from_line("pop3", b"dele  1 ").args == b" 1 "
    assert command_from_line("smtp", b"QUIT").args == b""


@pytest.mark.parametrize(
    ("protocol", "line", "hint"),
    [
        ("pop3", b"", "known"),
        ("pop3", b" DELE 1", "known"),
        ("pop3", b"DELE\t1", "DELE"),
        ("imap", b"EXPUNGE", "a1 EXPUNGE"),
        ("imap", b"+ EXPUNGE", "a1 EXPUNGE"),
        ("imap", b"a{5} EXPUNGE", "a1 EXPUNGE"),
        ("imap", b"a UID", "UID"),
        ("imap", b"a UID  EXPUNGE 1", "UID"),
        ("smtp", b"\xffRCPT", "RCPT"),
    ],
)
def test_what_is_no_command(protocol: str, line: bytes, hint: str) -> None:
    with pytest.raises(BadLine) as caught:
        command_from_line(protocol, line)
    assert hint in caught.value.hint
