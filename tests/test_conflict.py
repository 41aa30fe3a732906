"""Whoever reads a mailbox with IMAP is told of the POP3 program that empties it, by a real proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mailproxy.store.audit import AuditRow
from mailproxy.store.store import Store
from mailproxy.store.usage import Use
from tests.clients.standard_library import imap_client, pop3_client
from tests.proxy_process import PROJECT, Proxy, Way, mailproxy_running, read_events
from tests.scripted_server import scripted, tagged, talk
from tests.servers.authority import make_authority
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import Account, Door
from tests.servers.messages import sample_messages
from tests.servers.ports import LOOPBACK, free_ports

# Both protocols of one upstream: only then it is known that they lead to one mailbox.
IMAP = """
[upstream.mail.imap]
port = {server}
tls = "none"

[[listener]]
name = "imap"
protocol = "imap"
address = "{host}:{port}"
tls = "none"
upstream = "mail"
"""


class Office:
    """A user with three messages, and two programs that go through one proxy."""

    def __init__(self, proxy: Proxy, imap: Door, account: Account) -> None:
        self.proxy = proxy
        self._imap = imap
        self._account = account

    def deletes(self, count: int) -> None:
        """The POP3 program deletes so many messages, and quits."""
        client = pop3_client(self.proxy.door("mail"))
        client.user(self._account.user)
        client.pass_(self._account.password)
        for number in range(1, count + 1):
            client.dele(number)
        client.quit()

    def reads(self) -> int:
        """The IMAP program opens INBOX; returns how many messages it sees there."""
        client = imap_client(self._imap)
        client.login(self._account.user, self._account.password)
        _, [count] = client.select("INBOX", readonly=True)
        client.logout()
        return int(count or b"")


@contextmanager
def office(dovecot: Dovecot, folder: Path, *rules: Path) -> Iterator[Office]:
    [port] = free_ports(1)
    account = dovecot.newcomer(list(sample_messages().values())[:3])
    way = Way("mail", "pop3", "none", "none", dovecot.pop3.open, dovecot.authority.ca)
    more = IMAP.format(server=dovecot.imap.open, host=LOOPBACK, port=port)
    with mailproxy_running(folder, [way], rules, more=more, ca=dovecot.authority.ca) as proxy:
        proxy.await_event("listening", listener="imap")
        yield Office(proxy, Door(port, "none"), account)


def told(folder: Path, name: str) -> list[dict[str, Any]]:
    return [event for event in read_events(folder / "mailproxy.log") if event["event"] == name]


def remembered(folder: Path, user: str) -> tuple[list[AuditRow], list[Use]]:
    """What the proxy, which has ended, wrote into its store."""
    with closing(Store(f"sqlite:///{folder}/state/mailproxy.db")) as store:
        return store.audit.rows(), store.usage.uses("mail", user, 0.0)


def test_a_conflict_is_told_once(dovecot: Dovecot, tmp_path: Path) -> None:
    with office(dovecot, tmp_path) as here:
        here.deletes(2)
        assert here.reads() == 1
        user = here.proxy.await_event("conflict")["user"]
        here.deletes(1)
        assert here.reads() == 0

    [line] = told(tmp_path, "conflict")
    assert line["level"] == "warning"
    assert (line["upstream"], line["pop3_client"], line["imap_client"]) == ("mail", LOOPBACK, LOOPBACK)
    assert (line["deleted"], line["rule"]) == (2, "pop3-keep.toml")
    assert (PROJECT / "rules" / line["rule"]).is_file()
    assert [(each["messages"], each["kept"]) for each in told(tmp_path, "deleted")] == [(2, 0), (1, 0)]

    rows, uses = remembered(tmp_path, user)
    [row] = [row for row in rows if row.kind == "conflict"]
    assert (row.upstream, row.user, row.detail["deleted"]) == ("mail", user, 2)
    assert {use.protocol: use.deleted for use in uses} == {"pop3": 3, "imap": 0}  # the rest was seen too
    assert told(tmp_path, "usage.lost") == []


def test_kept_mail_is_no_conflict(dovecot: Dovecot, tmp_path: Path) -> None:
    with office(dovecot, tmp_path, PROJECT / "rules/pop3-keep.toml") as here:
        here.deletes(2)
        assert here.reads() == 3
        user = here.proxy.await_event("login")["user"]

    assert [(each["messages"], each["kept"]) for each in told(tmp_path, "deleted")] == [(0, 2)]
    assert told(tmp_path, "conflict") == []
    rows, uses = remembered(tmp_path, user)
    assert [row for row in rows if row.kind == "conflict"] == []
    assert [use.protocol for use in uses] == ["imap"]


@pytest.mark.parametrize(
    ("greeting", "capabilities", "name"),
    [
        (b"+OK Gpop ready for requests\r\n", b"", "gmail_pop"),
        (b"+OK ready\r\n", b"EXPIRE 0\r\n", "expire_zero"),
    ],
)
def test_a_server_that_deletes_is_told_of_once(
    greeting: bytes, capabilities: bytes, name: str, tmp_path: Path
) -> None:
    def answers(said: bytes) -> bytes:
        return b"+OK\r\n" + capabilities + b".\r\n" if said.startswith(b"CAPA") else b"+OK bye\r\n"

    ca = make_authority(tmp_path).ca
    with scripted(greeting, *[answers] * 2) as server:
        way = Way("mail", "pop3", "none", "none", server.port, ca)
        with mailproxy_running(tmp_path, [way], ca=ca) as proxy:
            for _ in range(3):
                talk(proxy.door("mail").port, b"CAPA\r\n")
            proxy.await_event(name)
            for _ in range(2):
                talk(proxy.door("mail").port, b"CAPA\r\n")
    [line] = told(tmp_path, name)
    assert line["upstream"] == "mail"
    assert [row.kind for row in remembered(tmp_path, "")[0]] == [name]


def test_a_mailbox_that_is_nearly_full_is_told_of_once(tmp_path: Path) -> None:
    def quota(said: bytes) -> bytes:
        return b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 95 100)\r\n' + tagged(b"OK done\r\n")(said)

    ca = make_authority(tmp_path).ca
    says = [tagged(b"OK in\r\n"), quota, tagged(b"NO [OVERQUOTA] full\r\n")]
    lines = b"a LOGIN hana wrong\r\n", b"b GETQUOTAROOT INBOX\r\n", b"c CREATE more\r\n"
    with scripted(b"* OK ready\r\n", *says) as server:
        way = Way("mail", "imap", "none", "none", server.port, ca)
        with mailproxy_running(tmp_path, [way], ca=ca) as proxy:
            for _ in range(2):
                assert b"STORAGE 95 100" in talk(proxy.door("mail").port, *lines)
    [line] = told(tmp_path, "mailbox.nearly_full")
    assert (line["user"], line["used"], line["limit"], line["kept"]) == ("hana", 97_280, 102_400, 0)
    assert [each["where"] for each in told(tmp_path, "quota.exceeded")] == ["imap CREATE"] * 2
    kinds = [row.kind for row in remembered(tmp_path, "hana")[0]]
    assert kinds == ["mailbox.nearly_full", "over_quota"]
