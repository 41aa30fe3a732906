r"""Deletions through a real mailproxy, at real servers: what is expunged is in the trash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.guards.driving import session
from tests.guards.wire_client import WireClient, wire_client
from tests.proxy_process import Proxy, Way, mailproxy_running
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE

RULES = Path(__file__).parents[2] / "rules"

BRAKE = """
[[rule]]
name = "brake"
why = "Not so many."
on = ["imap EXPUNGE", "imap UID MOVE"]
do = "brake"
limit = 3
"""


@pytest.fixture(scope="module")
def proxy(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """With ``do = "trash"``, in front of Dovecot."""
    way = Way("trash", "imap", "none", "none", dovecot.imap.open, dovecot.authority.ca)
    with mailproxy_running(tmp_path_factory.mktemp("trash"), [way], [RULES / "imap-trash.toml"]) as running:
        yield running


@pytest.fixture
def clients(proxy: Proxy, dovecot: Dovecot) -> Iterator[tuple[WireClient, WireClient]]:
    """Of one user with six messages: through the proxy, and straight at the server."""
    account = dovecot.newcomer()
    with ExitStack() as stack:
        through = stack.enter_context(wire_client(proxy.door("trash").port, account))
        straight = stack.enter_context(wire_client(dovecot.imap.open, account))
        straight.fill("INBOX", 6)
        yield through, straight


def mark(client: WireClient, uids: str) -> None:
    assert client.say(rf"UID STORE {uids} +FLAGS.SILENT (\Deleted)")[-1].startswith("OK")


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("EXPUNGE", [1, 3]),
        ("UID EXPUNGE 4:*", [1, 2, 3]),
        ("CLOSE", [1, 3]),
        ("UID EXPUNGE 1", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_what_is_expunged_is_in_the_trash(
    clients: tuple[WireClient, WireClient], command: str, left: list[int]
) -> None:
    through, straight = clients
    through.say("SELECT INBOX")
    mark(through, "2,4:6")
    said = through.say(command)
    assert said[-1].startswith("OK")
    expunged = [line for line in said if line.endswith(" EXPUNGE")]
    assert len(expunged) == (0 if command == "CLOSE" else 6 - len(left))
    assert straight.uids("INBOX") == left
    assert len(straight.uids("Trash")) == 6 - len(left)
    assert straight.uids("Trash", "DELETED") == []
    state = through.say("UID SEARCH ALL")[-1]
    assert state.startswith("BAD" if command == "CLOSE" else "OK")


def test_the_trash_can_be_emptied(clients: tuple[WireClient, WireClient]) -> None:
    through, straight = clients
    through.say("SELECT INBOX")
    mark(through, "1:6")
    through.say("EXPUNGE")
    through.say("SELECT Trash")
    mark(through, "1:2")
    assert through.say("UID EXPUNGE 1:2")[-1].startswith("OK")
    mark(through, "3")
    assert through.say("EXPUNGE")[-1].startswith("OK")
    mark(through, "4")
    assert through.say("CLOSE")[-1].startswith("OK")
    assert straight.uids("Trash") == [5, 6]


def test_a_trash_that_stays_is_not_emptied(dovecot: Dovecot, tmp_path: Path) -> None:
    account = dovecot.newcomer()
    way = Way("stays", "imap", "none", "none", dovecot.imap.open, dovecot.authority.ca)
    with ExitStack() as stack:
        running = stack.enter_context(mailproxy_running(tmp_path, [way], [RULES / "imap-organise.toml"]))
        through = stack.enter_context(wire_client(running.door("stays").port, account))
        straight = stack.enter_context(wire_client(dovecot.imap.open, account))
        straight.fill("Trash", 4)
        for unclear in ["SELECT  Trash", r'SELECT "Tr\ash"', "SELECT Trash "]:
            assert through.say(unclear)[-1].startswith("BAD")
        through.say("SELECT Trash")
        mark(through, "1:3")
        for refused in ["EXPUNGE", "UID EXPUNGE 1:2"]:
            assert through.say(refused)[-1].startswith("NO [NOPERM]")
        assert through.say("EXPUNGE 1")[-1].startswith("BAD")
        assert through.say("CLOSE")[-1].startswith("OK")
        assert straight.uids("Trash") == [1, 2, 3, 4]
        for name in ["&ATE-nbox/Trash", "Tra&AX8-h", "Deleted Me&AN8-ages"]:
            assert straight.say(f'CREATE "{name}"')[-1].startswith("OK")
            straight.fill(name, 1)
            through.say(f'SELECT "{name}"')
            mark(through, "1")
            assert through.say("EXPUNGE")[-1].startswith("OK")
        assert len(straight.uids("Trash")) == 4 + 3


def test_a_program_with_qresync_hears_of_vanished_messages(clients: tuple[WireClient, WireClient]) -> None:
    through, straight = clients
    through.say("ENABLE QRESYNC")
    through.say("SELECT INBOX")
    mark(through, "2:4")
    said = through.say("EXPUNGE")
    assert "* VANISHED 2:4" in said
    assert said[-1].startswith("OK [HIGHESTMODSEQ ")
    assert len(straight.uids("Trash")) == 3


def test_another_program_that_idles_hears_of_it(clients: tuple[WireClient, WireClient]) -> None:
    through, straight = clients
    straight.say("SELECT INBOX")
    straight.send(b"i IDLE\r\n")
    straight.until("+")
    through.say("SELECT INBOX")
    mark(through, "6")
    through.say("EXPUNGE")
    straight.until("* 6 EXPUNGE")
    straight.send(b"DONE\r\n")
    assert straight.until("i ")[-1].startswith("OK")


def test_commands_that_are_sent_behind_it_wait(clients: tuple[WireClient, WireClient]) -> None:
    through, straight = clients
    through.say("SELECT INBOX")
    mark(through, "1:5")
    through.send(b"x NOOP\r\ny EXPUNGE\r\nz FETCH 1 (UID)\r\n")
    through.until("x OK")
    through.until("y OK")
    assert through.until("z OK")[0] == "* 1 FETCH (UID 6)"
    assert len(straight.uids("Trash")) == 5


def test_a_mailbox_that_is_open_read_only_is_left_to_the_server(
    clients: tuple[WireClient, WireClient],
) -> None:
    through, straight = clients
    straight.say("SELECT INBOX")
    mark(straight, "1:6")
    through.say("EXAMINE INBOX")
    through.say("EXPUNGE")
    assert through.say("CLOSE")[-1].startswith("OK")
    assert len(straight.uids("INBOX")) == 6


def test_the_log_says_where_it_went(proxy: Proxy, clients: tuple[WireClient, WireClient]) -> None:
    through, _ = clients
    through.say("SELECT INBOX")
    mark(through, "1:4")
    through.say("UID EXPUNGE 1,2,3")
    done = proxy.await_event("command", verb="UID EXPUNGE", text="1,2,3")
    assert (done["verdict"], done["rule"]) == ("trash", "imap-trash")
    moved = proxy.await_event("trash.moved", session=done["session"])
    assert (moved["mailbox"], moved["trash"], moved["messages"]) == ("INBOX", "Trash", 3)


def test_a_brake_holds(dovecot: Dovecot, tmp_path: Path) -> None:
    rules = tmp_path / "brake.toml"
    rules.write_text(BRAKE)
    account = dovecot.newcomer()
    way = Way("brake", "imap", "none", "none", dovecot.imap.open, dovecot.authority.ca)
    with (
        wire_client(dovecot.imap.open, account) as straight,
        mailproxy_running(tmp_path, [way], [rules]) as running,
        wire_client(running.door("brake").port, account) as through,
    ):
        straight.fill("INBOX", 8)
        through.say("SELECT INBOX")
        assert through.say("UID MOVE 1:2 Trash")[-1].startswith("OK")
        mark(through, "3")
        assert through.say("EXPUNGE")[-1].startswith("OK")
        mark(through, "4")
        assert "4 messages within 1 hour" in through.say("EXPUNGE")[-1]
        assert through.say("UID MOVE 5 Trash")[-1].startswith("NO [LIMIT] Not removed: Deletions are held")
        running.await_event("brake.held", user=account.user, rule="brake")
        assert straight.uids("INBOX") == [4, 5, 6, 7, 8]


def test_a_brake_holds_connections_that_expunge_at_once(dovecot: Dovecot, tmp_path: Path) -> None:
    rules = tmp_path / "brake.toml"
    rules.write_text(BRAKE.replace("imap EXPUNGE", "imap UID EXPUNGE").replace("limit = 3", "limit = 13"))
    account = dovecot.newcomer()
    way = Way("brake", "imap", "none", "none", dovecot.imap.open, dovecot.authority.ca)
    with ExitStack() as stack:
        straight = stack.enter_context(wire_client(dovecot.imap.open, account))
        straight.fill("INBOX", 42)
        straight.say("SELECT INBOX")
        mark(straight, "1:42")
        running = stack.enter_context(mailproxy_running(tmp_path, [way], [rules]))
        port = running.door("brake").port
        through = [stack.enter_context(wire_client(port, account)) for _ in range(7)]
        for client in through:
            client.say("SELECT INBOX")
        for number, client in enumerate(through):
            client.send(b"x UID EXPUNGE %d:%d\r\n" % (6 * number + 1, 6 * number + 6))
        said = [client.until("x ")[-1] for client in through]
        assert sorted(line.split()[0] for line in said) == ["NO"] * 5 + ["OK"] * 2
        assert len(straight.uids("INBOX")) == 42 - 2 * 6
        running.await_event("brake.held", user=account.user, rule="brake")


@pytest.mark.parametrize(
    ("hidden", "asked"),
    [("MOVE", "UID EXPUNGE 2:3"), ("UNSELECT", 'EXAMINE "INBOX"'), ("SPECIAL-USE", 'LIST "" "*"')],
)
def test_what_a_server_may_lack(clients: tuple[WireClient, WireClient], hidden: str, asked: str) -> None:
    """Dovecot has all of it, so it is hidden from a guard that speaks to it directly."""
    through, straight = clients
    straight.say("SELECT INBOX")
    mark(straight, "2:3")

    def server(line: bytes) -> list[bytes]:
        said = straight.say(line.decode())
        return [re.sub(rf" {hidden}(?= |$)", "", line).encode() for line in said]

    driven = session().must("a CLOSE", server)
    assert asked.encode() in driven.asked
    if hidden == "UNSELECT":
        assert driven.forwarded == b""
        through.say("SELECT INBOX")
        mark(through, "4")
        assert straight.say("CLOSE")[-1].startswith("OK")
    assert straight.uids("INBOX") == [1, 4, 5, 6]
    assert len(straight.uids("Trash")) == 2
    assert straight.uids("Trash", "DELETED") == []


def test_cyrus(cyrus: Cyrus, tmp_path: Path) -> None:
    """There is no trash at first, and mailboxes lie below INBOX."""
    way = Way("trash", "imap", "none", "none", cyrus.imap.open, cyrus.authority.ca)
    with (
        wire_client(cyrus.imap.open, ALICE) as straight,
        mailproxy_running(tmp_path, [way], [RULES / "imap-trash.toml"]) as running,
        wire_client(running.door("trash").port, ALICE) as through,
    ):
        box = "INBOX/Plans" if '"/"' in straight.say('LIST "" ""')[0] else "INBOX.Plans"
        assert straight.say(f"CREATE {box}")[-1].startswith("OK")
        straight.fill(box, 4)
        through.say(f"SELECT {box}")
        mark(through, "1:2")
        said = through.say("EXPUNGE")
        assert said[-1].startswith("OK")
        assert len([line for line in said if line.endswith(" EXPUNGE")]) == 2
        mark(through, "3")
        assert through.say("CLOSE")[-1].startswith("OK")
        assert straight.uids(box) == [4]
        trash = next(line.split()[-1].strip('"') for line in straight.say('LIST "" "*"') if "Trash" in line)
        assert len(straight.uids(trash)) == 3
        straight.say(f"DELETE {box}")
        straight.say(f"DELETE {trash}")
