"""The embedded servers and their mail."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from mailproxy.demo.mailbox import Account
from mailproxy.demo.story import ServerEars
from mailproxy.demo.world import ARRIVING, HOST, PASSWORD, SENT, STORED, USER, Ports, servers

GREETINGS = {"pop3": b"+OK", "imap": b"* OK", "smtp": b"220"}


async def test_three_servers_until_the_block_ends() -> None:
    async with servers(Account(USER, PASSWORD, STORED), ServerEars()) as ports:
        for protocol, greeting in GREETINGS.items():
            async with await trio.open_tcp_stream(HOST, getattr(ports, protocol)) as stream:
                assert (await stream.receive_some(100)).startswith(greeting)
    for protocol in GREETINGS:
        with pytest.raises(OSError, match="all attempts to connect"):
            await trio.open_tcp_stream(HOST, getattr(ports, protocol))


async def test_the_ears_hear_what_reaches_the_pop3_server() -> None:
    ears = ServerEars()
    async with (
        servers(Account(USER, PASSWORD, STORED), ears) as ports,
        await trio.open_tcp_stream(HOST, ports.pop3) as stream,
    ):
        await stream.receive_some(100)
        await stream.send_all(b"DELE 1\r\n")
        assert (await stream.receive_some(100)).startswith(b"-ERR")
    assert ears.deletions == 1


def test_where_programs_connect() -> None:
    where = Ports(1, 2, 3).endpoints(Path("ca.pem"))
    assert [(one.port, one.ca_file) for one in (where.pop3, where.imap, where.smtp)] == [
        *((1, Path("ca.pem")), (2, Path("ca.pem")), (3, Path("ca.pem"))),
    ]
    assert Ports(1, 2, 3).endpoints().pop3.ca_file is None


@pytest.mark.parametrize("octets", [*STORED, SENT, ARRIVING])
def test_every_message_is_made_of_crlf_lines(octets: bytes) -> None:
    assert octets.endswith(b"\r\n")
    assert octets.count(b"\n") == octets.count(b"\r") == octets.count(b"\r\n")
    assert b"\r\n\r\n" in octets
    assert octets.isascii()


def test_the_mail_tries_what_goes_wrong_with_dots() -> None:
    assert b"\r\n.\r\n" in SENT
    assert any(b"\r\n.." in octets for octets in STORED)


def test_no_two_messages_have_one_size() -> None:
    """The story tells by its size which message is kept."""
    assert len({len(octets) for octets in (*STORED, SENT, ARRIVING)}) == 4
