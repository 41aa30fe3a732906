"""Real programs delete through the proxy: what Dovecot loses lies in the archive, octet by octet."""

from __future__ import annotations

import imaplib
import json
import poplib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailproxy.cli.archive_restore import PASSWORD_VARIABLE
from tests.cli.calling import call
from tests.clients.standard_library import expect, imap_client, pop3_client, read_by_imap
from tests.proxy_process import PROJECT, Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import CAROL, Door
from tests.servers.messages import on_the_wire

RULES = PROJECT / "rules" / "archive.toml"


@pytest.fixture
def messages(dovecot: Dovecot) -> list[bytes]:
    """What CAROL's mailbox holds, in its order."""
    return [on_the_wire(message) for message in dovecot.refill(CAROL)]


@pytest.fixture
def proxy(dovecot: Dovecot, tmp_path: Path) -> Iterator[Proxy]:
    ca = dovecot.authority.ca
    ways = [
        Way("pop", "pop3", "implicit", "implicit", dovecot.pop3.secure, ca),
        Way("imap", "imap", "implicit", "implicit", dovecot.imap.secure, ca),
    ]
    with mailproxy_running(tmp_path, ways, [RULES]) as running:
        yield running


def left(dovecot: Dovecot) -> list[bytes]:
    """What the server still has."""
    return read_by_imap(Door(dovecot.imap.secure, "implicit", dovecot.authority.ca), CAROL)


def archived(proxy: Proxy) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(call("archive", "list", "-c", proxy.config, "--json").stdout)
    return listed


def octets(proxy: Proxy) -> list[bytes]:
    """Every archived message, the oldest first."""
    ids = [str(one["id"]) for one in archived(proxy)]
    return [call("archive", "show", one, "-c", proxy.config).stdout_bytes for one in ids]


def selected(proxy: Proxy) -> imaplib.IMAP4:
    client = imap_client(proxy.door("imap"))
    client.login(CAROL.user, CAROL.password)
    expect(client.select("INBOX"), "OK")
    return client


def test_dele(proxy: Proxy, dovecot: Dovecot, messages: list[bytes]) -> None:
    client = pop3_client(proxy.door("pop"))
    client.user(CAROL.user)
    client.pass_(CAROL.password)
    for number in range(1, len(messages) + 1):
        assert client.dele(number).startswith(b"+OK")
    client.quit()
    assert left(dovecot) == []
    assert octets(proxy) == messages


def test_a_deletion_that_is_not_carried_out_is_archived_once(
    proxy: Proxy, dovecot: Dovecot, messages: list[bytes]
) -> None:
    for _ in range(2):
        client = pop3_client(proxy.door("pop"))
        client.user(CAROL.user)
        client.pass_(CAROL.password)
        client.dele(2)
        client.close()
    assert left(dovecot) == messages
    assert octets(proxy) == [messages[1]]


@pytest.mark.parametrize("way", ["EXPUNGE", "UID EXPUNGE", "CLOSE"])
def test_expunge(proxy: Proxy, dovecot: Dovecot, messages: list[bytes], way: str) -> None:
    client = selected(proxy)
    expect(client.store("2,3,5", "+FLAGS.SILENT", r"(\Deleted \Answered $Forwarded)"), "OK")
    gone = [messages[1], messages[2], messages[4]]
    if way == "EXPUNGE":
        assert len(expect(client.expunge(), "OK")) == len(gone)
    elif way == "CLOSE":
        expect(client.close(), "OK")
    else:
        uids = expect(client.uid("SEARCH", "2:3"), "OK")[0].split()
        expect(client.uid("EXPUNGE", b",".join(uids).decode()), "OK")
        gone.pop()
    client.logout()
    assert left(dovecot) == [message for message in messages if message not in gone]
    assert octets(proxy) == gone
    for one in archived(proxy):
        assert {r"\Answered", "$Forwarded", r"\Deleted"} <= set(one["flags"])  # type: ignore[call-overload]
        assert (one["user"], one["mailbox"], one["state"]) == (CAROL.user, "INBOX", "archived")


def test_nothing_is_deleted_without_a_copy(proxy: Proxy, dovecot: Dovecot, messages: list[bytes]) -> None:
    elsewhere = proxy.config.parent / "elsewhere"
    elsewhere.mkdir()
    (proxy.config.parent / "state" / "archive").symlink_to(elsewhere)
    client = pop3_client(proxy.door("pop"))
    client.user(CAROL.user)
    client.pass_(CAROL.password)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\]"):
        client.dele(1)
    client.quit()
    other = selected(proxy)
    expect(other.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"), "OK")
    assert b"the archive of this proxy takes no message now" in expect(other.expunge(), "NO")[0]
    expect(other.close(), "OK")
    other.logout()
    assert left(dovecot) == messages
    assert list(elsewhere.iterdir()) == []
    event = proxy.await_event("archive.failed", mailbox="INBOX")
    assert "symbolic link" in event["why"]


def test_restored_as_it_was(
    proxy: Proxy, dovecot: Dovecot, messages: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = selected(proxy)
    expect(client.store("1:*", "+FLAGS.SILENT", r"(\Deleted \Flagged $Work)"), "OK")
    before = about(client)
    expect(client.expunge(), "OK")
    client.logout()
    assert left(dovecot) == []
    monkeypatch.setenv(PASSWORD_VARIABLE, CAROL.password)
    ids = [str(one["id"]) for one in archived(proxy)]
    dry = call("archive", "restore", "-c", proxy.config, "--imap", "--dry-run", *ids)
    assert f"{len(messages)} messages would be put into INBOX of carol at imap" in dry.stdout
    assert left(dovecot) == []
    done = call("archive", "restore", "-c", proxy.config, "--imap", *ids)
    assert f"{len(messages)} messages put into INBOX" in done.stdout
    assert left(dovecot) == messages
    client = selected(proxy)
    assert about(client) == [line.replace(r"\Deleted ", "").replace(r" \Deleted", "") for line in before]
    client.logout()


def about(client: imaplib.IMAP4) -> list[str]:
    """Flags in order, and the date, of each message."""
    told = expect(client.fetch("1:*", "(INTERNALDATE FLAGS)"), "OK")
    found = []
    for line in map(bytes.decode, told):
        flags = re.search(r"FLAGS \(([^)]*)\)", line)
        date = re.search(r'INTERNALDATE "([^"]*)"', line)
        assert flags
        assert date
        found.append(" ".join(sorted(set(flags[1].split()) - {r"\Recent"})) + " " + date[1])
    return found
