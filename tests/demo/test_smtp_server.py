from __future__ import annotations

import smtplib

import pytest
import trio

from mailproxy.demo.mailbox import Account
from mailproxy.demo.smtp_server import SmtpServer
from mailproxy.demo.world import Ports
from tests.demo.messages import Talk

HI = b"220 localhost ESMTP ready\r\n"
AUTH = b"AUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20AcGEgc3M=\r\n"
IN = HI + b"235 2.7.0 logged in\r\n"

TRANSCRIPTS = {
    "EHLO": (
        b"EHLO x\r\n",
        HI
        + b"250-localhost\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
    ),
    "HELO": (b"helo x\r\n", HI + b"250 localhost\r\n"),
    "login first": (b"MAIL FROM:<a@example.com>\r\n", HI + b"530 5.7.0 log in first\r\n"),
    "wrong password": (b"AUTH PLAIN AGEAYg==\r\n", HI + b"535 "),
    "no base64": (b"AUTH PLAIN ***\r\n", HI + b"535 "),
    "cancelled": (
        b"AUTH LOGIN\r\n*\r\nNOOP\r\n",
        HI + b"334 VXNlcm5hbWU6\r\n535 5.7.8 wrong user or password\r\n250 ",
    ),
    "LOGIN": (
        b"AUTH LOGIN\r\ndXNlckBleGFtcGxlLmNvbQ==\r\ncGEgc3M=\r\n",
        HI + b"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ",
    ),
    "order": (
        AUTH + b"RCPT TO:<b@example.com>\r\nDATA\r\n",
        IN + b"503 5.5.1 MAIL first, then RCPT TO:<address>\r\n503 ",
    ),
    "size": (AUTH + b"MAIL FROM:<a@example.com> SIZE=99999999\r\n", IN + b"552 "),
    "unknown": (b"VRFY x\r\n", HI + b"500 "),
}


@pytest.mark.parametrize("by_octet", [False, True])
@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_transcript(name: str, by_octet: bool, account: Account, talk: Talk) -> None:
    sent, heard = TRANSCRIPTS[name]
    assert (await talk(SmtpServer(account), sent, by_octet=by_octet)).startswith(heard)
    assert len(account.inbox.messages) == 2


async def test_a_pipelined_message_is_delivered_as_sent(account: Account, talk: Talk) -> None:
    sent = (
        AUTH + b"MAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n..\r\nx\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n"
    )
    heard = await talk(SmtpServer(account), sent)
    assert heard.endswith(
        b"354 end with a line that is one dot\r\n"
        b"250 2.0.0 delivered as 3\r\n250 2.1.0 ok\r\n221 2.0.0 bye\r\n"
    )
    assert account.inbox.messages[-1].octets == b".\r\nx\r\n"


async def test_too_much_is_refused_after_it_was_read(account: Account, talk: Talk) -> None:
    sent = AUTH + b"MAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n12345678\r\n.\r\nNOOP\r\n"
    assert b"552 5.3.4 too large\r\n250 2.0.0 ok\r\n" in await talk(SmtpServer(account, size=5), sent)
    assert len(account.inbox.messages) == 2


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_smtplib(mechanism: str, ports: Ports, account: Account) -> None:
    message = b"Subject: x\r\n\r\n.\r\n.a\r\n"

    def program() -> None:
        with smtplib.SMTP("127.0.0.1", ports.smtp, "localhost", timeout=10) as client:
            client.ehlo()
            client.user, client.password = "user@example.com", "pa ss"
            client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
            client.sendmail("user@example.com", ["b@example.com", "c@example.com"], message)

    await trio.to_thread.run_sync(program)
    assert [each.octets for each in account.inbox.messages[2:]] == [message]
