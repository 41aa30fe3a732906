"""Which connections are mail."""

from __future__ import annotations

import pytest

from mailproxy.capture.recognise import by_greeting, by_port, is_tls


@pytest.mark.parametrize(
    ("server", "protocol"),
    [
        ("192.0.2.1:110", "pop3"),
        ("[2001:db8::25]:143", "imap"),
        ("192.0.2.1:25", "smtp"),
        ("192.0.2.1:587", "smtp"),
        ("192.0.2.1:995", "pop3"),
        ("192.0.2.1:993", "imap"),
        ("192.0.2.1:465", "smtp"),
        ("192.0.2.1:80", ""),
        ("", ""),
    ],
)
def test_by_port(server: str, protocol: str) -> None:
    assert by_port(server) == protocol


@pytest.mark.parametrize(
    ("octets", "protocol"),
    [
        (b"* OK ready\r\n", "imap"),
        (b"* PREAUTH hello\r\n", "imap"),
        (b"* BYE too busy\r\n", "imap"),
        (b"* ok ready\r\n", "imap"),
        (b"+OK <1.2@x>\r\n", "pop3"),
        (b"220 mx.example.org ESMTP\r\n", "smtp"),
        (b"220-mx.example.org smtp\r\n220 ready\r\n", "smtp"),
        (b"554 No SMTP service here\r\n", "smtp"),
        (b"421 SMTP is busy\r\n", "smtp"),
        (b"220 ftp.example.org FTP server\r\n", ""),
        (b"220 ftp\r\n250 SMTP\r\n", ""),
        (b"HTTP/1.1 200 OK\r\n", ""),
        (b"SSH-2.0-x\r\n", ""),
        (b"", ""),
    ],
)
def test_by_greeting(octets: bytes, protocol: str) -> None:
    assert by_greeting(octets) == protocol


@pytest.mark.parametrize(
    ("octets", "tls"), [(b"\x16\x03\x01\x02", True), (b"\x16", False), (b"* OK", False), (b"", False)]
)
def test_tls_is_known_by_its_record(octets: bytes, tls: bool) -> None:
    assert is_tls(octets) is tls
