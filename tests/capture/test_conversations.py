"""Which connections of a file are mail, and what is said in them and about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture import comments
from mailproxy.capture.conversations import (
    Began,
    Conversation,
    Ended,
    FileTally,
    Item,
    Remarked,
    Said,
    conversations,
)
from mailproxy.capture.model import CaptureError
from mailproxy.capture.parts import Kind
from mailproxy.proto.tokens import Side
from tests.capture.files import frames, write

C, S = Side.CLIENT, Side.SERVER
ODD = ("198.51.100.9", 1110)  # a server whose port says nothing
POP3 = [(S, b"+OK\r\n"), (C, b"USER ann\r\n"), (S, b"+OK\r\n"), (C, b"PASS secret\r\n"), (S, b"+OK\r\n")]
SESSION = comments.write("session", id="5e55", leg="server", protocol="imap", listener="mine")


def began(items: list[Item]) -> list[Conversation]:
    return [item.conversation for item in items if isinstance(item, Began)]


def kinds(items: list[Item]) -> list[str]:
    return [type(item).__name__ for item in items]


def test_a_conversation_from_its_first_octet_to_its_end(tmp_path: Path) -> None:
    items = list(conversations(write(tmp_path / "f", frames(POP3))))
    assert kinds(items) == ["Began", *["Said"] * 5, "Ended"]
    (conversation,) = began(items)
    assert (conversation.number, conversation.protocol, conversation.session, conversation.leg) == (
        1,
        "pop3",
        "",
        "",
    )
    assert not conversation.tls
    shown = b"".join(item.part.shown for item in items if isinstance(item, Said))
    assert b"secret" not in shown
    end = items[-1]
    assert isinstance(end, Ended)
    assert (end.how, end.user) == ("fin", "ann")


@pytest.mark.parametrize(
    ("said", "protocol"),
    [
        ([(S, b"+OK\r\n")], "pop3"),
        ([(S, b"* OK\r\n"), (C, b"a NOOP\r\n")], "imap"),
        ([(C, b"EHLO x\r\n"), (S, b"220 x ESMTP\r\n")], "smtp"),
        ([(C, b"early\r\n")] * 10 + [(S, b"+OK\r\n")], "pop3"),
    ],
)
def test_without_a_usual_port_the_greeting_says_what_it_is(
    tmp_path: Path, said: list[tuple[Side, bytes]], protocol: str
) -> None:
    items = list(conversations(write(tmp_path / "f", frames(said, server=ODD))))
    assert [each.protocol for each in began(items)] == [protocol]
    fed = b"".join(item.part.data for item in items if isinstance(item, Said))
    assert sorted(fed) == sorted(b"".join(data for _, data in said))


@pytest.mark.parametrize(
    ("said", "ignored", "silent"),
    [
        ([(S, b"SSH-2.0\r\n"), (C, b"SSH-2.0\r\n"), (S, b"+OK\r\n")], 1, 0),
        ([(C, b"GET / HTTP/1.1\r\n")], 1, 0),
        ([(C, b"x")] * 40 + [(S, b"+OK\r\n")], 1, 0),
        ([], 0, 1),
    ],
)
def test_what_is_no_mail_is_counted(
    tmp_path: Path, said: list[tuple[Side, bytes]], ignored: int, silent: int
) -> None:
    tally = FileTally()
    path = write(tmp_path / "f", frames(said, server=ODD), frames(POP3, client=("192.0.2.3", 5)))
    items = list(conversations(path, tally))
    assert [each.number for each in began(items)] == [1]
    assert (tally.ignored, tally.silent) == (ignored, silent)
    assert tally.packets.packets == len(said) + 4 + len(POP3) + 4


def test_one_that_only_has_comments_is_not_kept_for_ever(tmp_path: Path) -> None:
    """They stand on packets that bring no octets; who writes such a file may write any number of them."""
    tally = FileTally()
    notes = [(C, b"", "a comment")] * 200
    list(conversations(write(tmp_path / "f", frames([*notes, (S, b"+OK\r\n")], server=ODD)), tally))
    assert tally.ignored == 1


def test_a_session_of_our_own_says_what_it_is(tmp_path: Path) -> None:
    said = [(S, b"* OK\r\n"), (C, b"a STARTTLS\r\n"), (S, b"a OK\r\n"), (C, b"b NOOP\r\n")]
    items = list(conversations(write(tmp_path / "f", frames(said, server=ODD, first=SESSION))))
    (conversation,) = began(items)
    assert (conversation.session, conversation.leg, conversation.protocol) == ("5e55", "server", "imap")
    assert conversation.facts["listener"] == "mine"
    told = [item.remark.word for item in items if isinstance(item, Remarked)]
    assert told == ["session"]
    commands = [item.part.command for item in items if isinstance(item, Said) and item.part.command]
    assert [command.verb for command in commands] == ["STARTTLS", "NOOP"]  # what is behind it can be read


@pytest.mark.parametrize("protocol", ["xmpp", "", 7, None, ["pop3"]])
def test_a_session_may_say_anything(tmp_path: Path, protocol: object) -> None:
    first = comments.write("session", id=5, leg=["x"], protocol=protocol)
    items = list(conversations(write(tmp_path / "f", frames(POP3, first=first))))
    assert [each.protocol for each in began(items)] == ["pop3"]


def test_a_remark_comes_behind_what_its_packet_says(tmp_path: Path) -> None:
    verdict = comments.write("verdict", verb="NOOP", verdict="forward")
    said = [
        (S, b"+OK\r\n"),
        (C, b"NOOP\r\n"),
        (S, b"+OK\r\n", verdict),
        (C, b"", verdict),
        (C, b"QUIT\r\n", "mine"),
    ]
    items = list(conversations(write(tmp_path / "f", frames(said))))
    assert kinds(items) == ["Began", "Said", "Said", "Said", "Remarked", "Remarked", "Said", "Ended"]


def test_gaps_are_named(tmp_path: Path) -> None:
    said = [
        (S, b"+OK\r\n"),
        (C, b"RETR 1\r\n"),
        (S, b"+OK\r\nhel"),
        (S, 7),
        (S, b"\r\n.\r\n"),
        (C, b"NOOP\r\n"),
    ]
    items = list(conversations(write(tmp_path / "f", frames(said))))
    gaps = [item.part for item in items if isinstance(item, Said) and item.part.kind is Kind.GAP]
    assert [(gap.side, gap.octets, gap.exchange) for gap in gaps] == [(S, 7, 1)]
    assert Kind.UNREAD not in {item.part.kind for item in items if isinstance(item, Said)}


def test_tls_is_seen_and_not_read(tmp_path: Path) -> None:
    said = [(C, b"\x16\x03\x01\x00\x05hello"), (S, b"\x16\x03\x03\x00\x05hello")]
    items = list(conversations(write(tmp_path / "f", frames(said, server=("198.51.100.9", 993)))))
    assert [(each.protocol, each.tls) for each in began(items)] == [("imap", True)]
    assert {item.part.kind for item in items if isinstance(item, Said)} == {Kind.TLS}


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"no capture at all")
    with pytest.raises(CaptureError):
        list(conversations(tmp_path / "f"))


def test_what_we_have_recorded_begins_with_its_first_packet(tmp_path: Path) -> None:
    """So the client's leg is first, although the server speaks on the other one before."""
    legs = {
        leg: frames(
            POP3,
            client=("192.0.2.1", port),
            first=comments.write("session", id="5e55", leg=leg, protocol="pop3"),
        )
        for leg, port in (("client", 4001), ("server", 4002))
    }
    opened = [frame for leg in legs.values() for frame in leg[:2]]
    file = write(tmp_path / "f", opened, legs["server"][2:], legs["client"][2:])
    assert [each.leg for each in began(list(conversations(file)))] == ["client", "server"]


def test_one_of_ours_in_which_nothing_was_said(tmp_path: Path) -> None:
    tally = FileTally()
    items = list(conversations(write(tmp_path / "f", frames([], first=SESSION)), tally))
    assert kinds(items) == ["Began", "Remarked", "Ended"]
    assert (tally.silent, tally.ignored) == (0, 0)


def test_of_what_is_not_wanted_nothing_is_told(tmp_path: Path) -> None:
    """Neither of one whose port says what it is, nor of one that is told by its greeting or by its proxy."""
    files = [
        frames(POP3, client=("192.0.2.1", 4001)),
        frames(POP3, client=("192.0.2.1", 4002), server=ODD),
        frames([(S, b"* OK\r\n")], client=("192.0.2.1", 4003), first=SESSION),
        frames([(S, b"SSH-2.0\r\n")], client=("192.0.2.1", 4004), server=ODD),
        frames(POP3, client=("192.0.2.1", 4005)),
    ]
    asked: list[int] = []

    def is_last(conversation: Conversation) -> bool:
        asked.append(conversation.number)
        return conversation.number == 4

    tally = FileTally()
    file = write(tmp_path / "f", *files)
    items = list(conversations(file, tally, None, is_last))
    assert asked == [1, 2, 3, 4]
    assert kinds(items) == ["Began", *["Said"] * 5, "Ended"]
    assert {item.conversation.number for item in items} == {4}
    all_of_it = [item for item in conversations(file) if item.conversation.number == 4]
    assert [str(item) for item in items] == [str(item) for item in all_of_it]
    assert (tally.conversations, tally.ignored, tally.silent) == (4, 1, 0)
