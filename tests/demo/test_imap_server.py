from __future__ import annotations

import imaplib

import pytest
import trio
from imapclient import IMAPClient  # type: ignore[import-untyped]
from trio.testing import memory_stream_pair

from mailproxy.demo.imap_server import ImapServer
from mailproxy.demo.lines import Lines
from mailproxy.demo.mailbox import Account
from mailproxy.demo.world import Ports
from tests.demo.messages import DOTS, PLAIN, Talk

LOGIN = b'a LOGIN user@example.com "pa ss"\r\n'
OPEN = LOGIN + b"b SELECT INBOX\r\n"

# What is sent, and lines that must come, in this order.
TRANSCRIPTS: dict[str, tuple[bytes, list[bytes]]] = {
    "greeting": (b"", [b"* OK [CAPABILITY IMAP4rev1 LITERAL+ "]),
    "wrong password": (b"a LOGIN x y\r\n", [b"a NO [AUTHENTICATIONFAILED] "]),
    "literal login": (b"a LOGIN {16}\r\nuser@example.com {5+}\r\npa ss\r\n", [b"+ go on", b"a OK "]),
    "SASL": (b"a AUTHENTICATE PLAIN AHVzZXJAZXhhbXBsZS5jb20AcGEgc3M=\r\n", [b"a OK "]),
    "SASL, asked": (b"a AUTHENTICATE PLAIN\r\nAHVzZXJAZXhhbXBsZS5jb20AcGEgc3M=\r\n", [b"+ ", b"a OK "]),
    "SASL, cancelled": (b"a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n", [b"+ ", b"a NO ", b"b OK "]),
    "not before the login": (b"a SELECT INBOX\r\n", [b"a BAD not now"]),
    "not before SELECT": (LOGIN + b"b FETCH 1 FLAGS\r\n", [b"a OK ", b"b BAD not now"]),
    "select": (OPEN, [b"* 2 EXISTS", b"* OK [UIDVALIDITY 1] ", b"* OK [UIDNEXT 3] ", b"b OK [READ-WRITE] "]),
    "no mailbox": (LOGIN + b"b SELECT None\r\n", [b"b NO [TRYCREATE] "]),
    "status": (
        LOGIN + b"b STATUS INBOX (MESSAGES UNSEEN UIDNEXT)\r\n",
        [b'* STATUS "INBOX" (MESSAGES 2 UNSEEN 2 UIDNEXT 3)', b"b OK "],
    ),
    "list": (
        LOGIN + b'b CREATE Sent\r\nc LIST "" *\r\nd LIST "" ""\r\ne LSUB "" "%"\r\n',
        [
            b"b OK ",
            b'* LIST (\\HasNoChildren) "/" "INBOX"',
            b'* LIST (\\HasNoChildren) "/" "Sent"',
            b"c OK ",
            b'* LIST (\\Noselect) "/" ""',
            b'* LSUB (\\HasNoChildren) "/" "INBOX"',
        ],
    ),
    "fetch": (
        OPEN + b"c FETCH 2 (UID FLAGS RFC822.SIZE)\r\n",
        [b"* 2 FETCH (UID 2 FLAGS () RFC822.SIZE %d)" % len(PLAIN), b"c OK "],
    ),
    "a body without PEEK is seen": (
        OPEN + b"c UID FETCH 2 BODY[TEXT]\r\n",
        [b"* 2 FETCH (UID 2 BODY[TEXT] {7}", b"hello", b" FLAGS (\\Seen))", b"c OK "],
    ),
    "EXAMINE changes nothing": (
        LOGIN + b"b EXAMINE INBOX\r\nc FETCH 2 BODY[TEXT]\r\nd STORE 1 FLAGS (\\Seen)\r\ne FETCH 2 FLAGS\r\n",
        [b"b OK [READ-ONLY] ", b"hello", b")", b"c OK ", b"d NO [READ-ONLY] ", b"* 2 FETCH (FLAGS ())"],
    ),
    "partial": (OPEN + b"c FETCH 2 BODY.PEEK[TEXT]<1.3>\r\n", [b"* 2 FETCH (BODY[TEXT]<1> {3}", b"ell)"]),
    "no such number": (OPEN + b"c FETCH 3 FLAGS\r\n", [b"c BAD no message has that number"]),
    "no such uid": (OPEN + b"c UID FETCH 7 FLAGS\r\n", [b"c OK "]),
    "no such item": (OPEN + b"c FETCH 1 WINGS\r\n", [b"c BAD the item WINGS does not exist"]),
    "store and expunge": (
        OPEN + b"c STORE 1 +FLAGS (\\deleted)\r\nd EXPUNGE\r\ne UID SEARCH ALL\r\n",
        [b"* 1 FETCH (FLAGS (\\Deleted))", b"c OK ", b"* 1 EXPUNGE", b"d OK ", b"* SEARCH 2", b"e OK "],
    ),
    "uid expunge spares others": (
        OPEN + b"c UID STORE 1:2 +FLAGS.SILENT \\Deleted\r\nd UID EXPUNGE 2\r\ne SEARCH ALL\r\n",
        [b"c OK ", b"* 2 EXPUNGE", b"d OK ", b"* SEARCH 1", b"e OK "],
    ),
    "close is silent": (
        OPEN + b"c STORE 1:* FLAGS.SILENT (\\Deleted)\r\nd CLOSE\r\ne STATUS INBOX (MESSAGES)\r\n",
        [b"d OK ", b'* STATUS "INBOX" (MESSAGES 0)'],
    ),
    "unselect keeps": (
        OPEN + b"c STORE 1:* FLAGS.SILENT (\\Deleted)\r\nd UNSELECT\r\ne STATUS INBOX (MESSAGES)\r\n",
        [b"d OK ", b'* STATUS "INBOX" (MESSAGES 2)'],
    ),
    "copy": (
        OPEN + b"c CREATE Sent\r\nd UID COPY 1:2 Sent\r\ne COPY 1 None\r\n",
        [b"d OK [COPYUID 2 1,2 1,2] done", b"e NO [TRYCREATE] "],
    ),
    "move": (
        OPEN + b"c CREATE Trash\r\nd MOVE 1 Trash\r\n",
        [b"* OK [COPYUID 2 1 1] moved", b"* 1 EXPUNGE", b"d OK "],
    ),
    "append": (
        OPEN + b'c APPEND INBOX (\\seen) "02-Feb-2026 08:00:00 +0100" {3+}\r\na\r\n\r\n'
        b"d FETCH 3 (FLAGS INTERNALDATE RFC822)\r\n",
        [
            b"* 3 EXISTS",
            b"c OK [APPENDUID 1 3] ",
            b'* 3 FETCH (FLAGS (\\Seen) INTERNALDATE "02-Feb-2026 08:00:00 +0100" RFC822 {3}',
        ],
    ),
    "search": (
        OPEN + b"c STORE 1 +FLAGS (\\Seen)\r\nd SEARCH UNSEEN\r\n"
        b"e SEARCH NOT SUBJECT PLAIN\r\nf SEARCH OR SEEN 2\r\n"
        b"g UID SEARCH CHARSET UTF-8 UID 2:* FROM two\r\nh SEARCH WINGS\r\n",
        [b"* SEARCH 2", b"* SEARCH 1", b"* SEARCH 1 2", b"* SEARCH 2", b"h BAD "],
    ),
    "too few arguments": (OPEN + b"c STORE 1\r\nd COPY\r\ne UID\r\n", [b"c BAD ", b"d BAD ", b"e BAD "]),
    "nonsense": (b"\r\na\r\na (\r\nb NOOP\r\n", [b"* BAD ", b"a BAD ", b"a BAD ", b"b OK "]),
    "too large a literal": (LOGIN + b"b APPEND INBOX {999999999}\r\n", [b"* BYE [TOOBIG] "]),
    "logout": (OPEN + b"c LOGOUT\r\n", [b"* BYE ", b"c OK "]),
}


@pytest.mark.parametrize("by_octet", [False, True])
@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_transcript(name: str, by_octet: bool, account: Account, talk: Talk) -> None:
    sent, expected = TRANSCRIPTS[name]
    heard = iter((await talk(ImapServer(account), sent, by_octet=by_octet)).split(b"\r\n"))
    for line in expected:
        assert any(each.startswith(line) for each in heard), line


async def test_all_of_a_message(account: Account, talk: Talk) -> None:
    heard = await talk(ImapServer(account), OPEN + b"c FETCH 1 BODY[]\r\n")
    assert b"* 1 FETCH (BODY[] {%d}\r\n%s FLAGS (\\Seen))\r\n" % (len(DOTS), DOTS) in heard


async def test_no_expunge_within_a_fetch(account: Account) -> None:
    one, other = memory_stream_pair()
    lines = Lines(one)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ImapServer(account), other)
        await lines.send(OPEN)
        while not (await lines.line()).startswith(b"b OK"):
            pass
        account.inbox.remove([account.inbox.messages[0]])
        await lines.send(b"c FETCH 2 UID\r\nd NOOP\r\n")
        assert [await lines.line() for _ in range(4)] == [
            b"* 2 FETCH (UID 2)",
            b"c OK done",
            b"* 1 EXPUNGE",
            b"d OK done",
        ]
        nursery.cancel_scope.cancel()


async def test_idle_tells_at_once(account: Account) -> None:
    one, other = memory_stream_pair()
    lines = Lines(one)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ImapServer(account), other)
        await lines.send(OPEN + b"c IDLE\r\n")
        while await lines.line() != b"+ idling":
            pass
        account.inbox.append(b"new\r\n")
        assert await lines.line() == b"* 3 EXISTS"
        account.inbox.remove([account.inbox.messages[0]])
        assert await lines.line() == b"* 1 EXPUNGE"
        await lines.send(b"done\r\n")
        assert await lines.line() == b"c OK done"
        await lines.send(b"d IDLE\r\n")
        assert await lines.line() == b"+ idling"
        await one.send_eof()  # the server ends, too, and the nursery with it
        assert await one.receive_some() == b""


async def test_imaplib(ports: Ports, account: Account) -> None:
    def program() -> None:
        with imaplib.IMAP4("127.0.0.1", ports.imap, timeout=10) as client:
            client.login("user@example.com", "pa ss")
            assert client.select() == ("OK", [b"2"])
            assert client.append("INBOX", "", "", b"Subject: three\r\n\r\n")[0] == "OK"
            assert client.uid("SEARCH", "UNSEEN")[1] == [b"1 2 3"]
            assert client.fetch("1", "(BODY.PEEK[])")[1][0][1] == DOTS  # type: ignore[index]
            client.store("2", "+FLAGS", "\\Deleted")
            assert client.expunge()[1] == [b"2"]

    await trio.to_thread.run_sync(program)
    assert [message.uid for message in account.inbox.messages] == [1, 3]


async def test_imapclient_reads_envelope_and_structure(ports: Ports) -> None:
    def program() -> None:
        with IMAPClient("127.0.0.1", ports.imap, ssl=False, timeout=10) as client:
            client.login("user@example.com", "pa ss")
            client.select_folder("INBOX", readonly=True)
            found = client.fetch([2], ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE"])[2]
            assert found[b"ENVELOPE"].subject == b"plain"
            assert found[b"ENVELOPE"].from_[0].mailbox == b"two"
            assert found[b"BODYSTRUCTURE"][0] == b"TEXT"

    await trio.to_thread.run_sync(program)
