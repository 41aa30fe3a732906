from __future__ import annotations

import poplib
from contextlib import closing

import pytest
import trio

from mailproxy.demo.mailbox import Account
from mailproxy.demo.pop3_server import Pop3Server
from mailproxy.demo.world import Ports
from tests.demo.messages import DOTS, PLAIN, Talk

LOGIN = b"USER user@example.com\r\nPASS pa ss\r\n"
IN = b"+OK ready\r\n+OK\r\n+OK logged in\r\n"

TRANSCRIPTS = {
    "wrong password": (
        b"USER user@example.com\r\nPASS pa s\r\nSTAT\r\n",
        b"+OK ready\r\n+OK\r\n-ERR [AUTH] ",
    ),
    "counts": (LOGIN + b"STAT\r\n", IN + b"+OK 2 %d\r\n" % len(DOTS + PLAIN)),
    "holes after DELE": (
        LOGIN + b"DELE 1\r\nLIST\r\nLIST 1\r\nUIDL\r\nSTAT\r\n",
        IN
        + b"+OK marked\r\n+OK\r\n2 %d\r\n.\r\n-ERR no such message\r\n+OK\r\n2 1.2\r\n.\r\n+OK 1 %d\r\n"
        % (len(PLAIN), len(PLAIN)),
    ),
    "one line each": (LOGIN + b"LIST 2\r\nUIDL 2\r\n", IN + b"+OK 2 %d\r\n+OK 2 1.2\r\n" % len(PLAIN)),
    "RSET": (LOGIN + b"DELE 1\r\nRSET\r\nUIDL 1\r\n", IN + b"+OK marked\r\n+OK\r\n+OK 1 1.1\r\n"),
    "RETR stuffs dots": (
        LOGIN + b"RETR 1\r\n",
        IN + b"+OK %d octets\r\n" % len(DOTS) + DOTS.replace(b"\r\n.", b"\r\n..") + b".\r\n",
    ),
    "TOP": (LOGIN + b"TOP 1 1\r\n", IN + b"+OK\r\nSubject: dots\r\nFrom: one@example.com\r\n\r\n..\r\n.\r\n"),
    "no such numbers": (LOGIN + b"RETR 3\r\nDELE 0\r\nTOP 1 x\r\n", IN + b"-ERR no such message\r\n" * 2),
    "SASL": (b"AUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20AcGEgc3M=\r\n", b"+OK ready\r\n+OK logged in\r\n"),
    "not before the login": (b"DELE 1\r\n", b"+OK ready\r\n-ERR not now, or not known\r\n"),
}


@pytest.mark.parametrize("by_octet", [False, True])
@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_transcript(name: str, by_octet: bool, account: Account, talk: Talk) -> None:
    sent, heard = TRANSCRIPTS[name]
    assert (await talk(Pop3Server(account), sent, by_octet=by_octet)).startswith(heard)


async def test_only_quit_removes(account: Account, talk: Talk) -> None:
    await talk(Pop3Server(account), LOGIN + b"DELE 1\r\n")
    assert len(account.inbox.messages) == 2
    await talk(Pop3Server(account), LOGIN + b"DELE 1\r\nQUIT\r\n")
    assert [message.octets for message in account.inbox.messages] == [PLAIN]


async def test_the_maildrop_is_locked_until_the_end(account: Account, talk: Talk) -> None:
    account.inbox.locked = True
    assert b"-ERR [IN-USE]" in await talk(Pop3Server(account), LOGIN)
    account.inbox.locked = False
    await talk(Pop3Server(account), LOGIN)
    assert not account.inbox.locked


async def test_capabilities_and_received_can_be_set(account: Account, talk: Talk) -> None:
    heard: list[bytes] = []
    server = Pop3Server(account, capabilities=("EXPIRE 0",), received=heard.append)
    assert b"+OK\r\nEXPIRE 0\r\n.\r\n" in await talk(server, b"capa\r\n")
    assert heard == [b"capa"]


async def test_poplib(ports: Ports, account: Account) -> None:
    def program() -> list[bytes]:
        client = poplib.POP3("127.0.0.1", ports.pop3, timeout=10)
        with closing(client.sock):
            client.user("user@example.com")
            client.pass_("pa ss")
            assert "PIPELINING" in client.capa()
            lines = client.retr(1)[1]
            client.dele(2)
            client.quit()
            return lines

    lines = await trio.to_thread.run_sync(program)
    assert b"\r\n".join(lines) + b"\r\n" == DOTS
    assert [message.octets for message in account.inbox.messages] == [DOTS]
