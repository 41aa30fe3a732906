"""A real proxy in front of a real server records; afterwards its rules say the same of what it recorded."""

from __future__ import annotations

import imaplib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import call_process
from tests.clients.standard_library import imap_client, pop3_client
from tests.proxy_process import Proxy, Way, mailproxy_running, read_events
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import Account
from tests.servers.messages import sample_messages

MAIL = list(sample_messages().values())[:4]
RULES = """
[[rule]]
name = "keep-here"
on = ["pop3 DELE"]
when = 'listener == "pop3-kept"'
do = "keep"

[[rule]]
name = "trash"
on = ["imap EXPUNGE", "imap CLOSE"]
do = "trash"

[[rule]]
name = "no-top"
on = ["pop3 TOP"]
do = "block"
"""


def collects_and_deletes(proxy: Proxy, listener: str, account: Account) -> None:
    """What a POP3 program does that leaves nothing on the server."""
    client = pop3_client(proxy.door(listener))
    client.user(account.user)
    client.pass_(account.password)
    _, listed, _ = client.uidl()
    client.list()
    for line in listed:
        client.retr(int(line.split()[0]))
        client.dele(int(line.split()[0]))
    client.quit()


def expunges(proxy: Proxy, account: Account) -> None:
    """Marks a message, expunges, and closes."""
    client = imap_client(proxy.door("imap"))
    client.login(account.user, account.password)
    client.select("INBOX")
    client.fetch("1:*", "(UID FLAGS)")
    client.store("1", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.append("INBOX", "", imaplib.Time2Internaldate(1_700_000_000), MAIL[0])
    client.close()
    client.logout()


class Recorded:
    """A proxy that has stopped: its captures, its log, and who was served."""

    def __init__(self, folder: Path, kept: Account, plain: Account) -> None:
        self.folder = folder
        self.kept = kept
        self.plain = plain
        self.files = sorted((folder / "state" / "captures").rglob("*.pcapng*"))
        self.rules = folder / "rules.toml"

    def told(self) -> dict[str, list[tuple[str, str, str, str]]]:
        """What the live proxy logged of the clients' commands, by session."""
        said: dict[str, list[tuple[str, str, str, str]]] = {}
        for event in read_events(self.folder / "mailproxy.log"):
            if event["event"] == "command" and event["verdict"] not in ("own", "forward"):
                row = (event["verb"], event.get("text", ""), event["verdict"], event.get("rule", ""))
                said.setdefault(event["session"], []).append(row)
        return said

    def replay(self, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
        """``replay rules --json`` of all files."""
        done = call_process("replay", "rules", *self.files, *arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def recorded(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("whatif")
    (folder / "rules.toml").write_text(RULES)
    ca = dovecot.authority.ca
    ways = [
        Way("pop3-kept", "pop3", "implicit", "implicit", dovecot.pop3.secure, ca),
        Way("pop3-plain", "pop3", "starttls", "implicit", dovecot.pop3.secure, ca),
        Way("imap", "imap", "starttls", "implicit", dovecot.imap.secure, ca),
    ]
    kept, plain, other = (dovecot.newcomer(MAIL) for _ in range(3))
    more = "\n[capture]\nall = true\n"
    with mailproxy_running(folder, ways, [folder / "rules.toml"], more=more) as proxy:
        collects_and_deletes(proxy, "pop3-kept", kept)
        collects_and_deletes(proxy, "pop3-kept", kept)
        collects_and_deletes(proxy, "pop3-plain", plain)
        expunges(proxy, other)
        for way in ways:
            proxy.await_session_end(way.name)
    return Recorded(folder, kept, plain)


def rows(session: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (each["verb"], each["text"], each["verdict"], each["rule"])
        for each in session["commands"]
        if each["verdict"] != "forward"
    ]


def test_the_same_rules_say_the_same(recorded: Recorded) -> None:
    said = recorded.replay("--config", recorded.folder / "mailproxy.toml", "--fail-on", "change")
    assert len(said["sessions"]) == 4
    live = recorded.told()
    assert {each["session"]: rows(each) for each in said["sessions"] if rows(each)} == live
    assert said["summary"]["compared"] > 20
    assert said["summary"]["differ"] == 0
    assert Counter(row[2] for told in live.values() for row in told)["keep"] == len(MAIL)


def test_so_they_do_without_the_configuration(recorded: Recorded) -> None:
    said = recorded.replay("--rules", recorded.rules, "--changes")
    assert said["summary"]["differ"] == 0
    assert said["sessions"] == []


def test_a_shipped_rule_names_what_it_would_have_kept(recorded: Recorded) -> None:
    said = recorded.replay("--rules", "pop3-keep", "--fail-on", "keep", code=1)
    (plain,) = (each for each in said["sessions"] if each["user"] == recorded.plain.user)
    (kept, again) = (each for each in said["sessions"] if each["user"] == recorded.kept.user)
    deleted = [("DELE", str(number + 1), "keep", "pop3-keep") for number in range(len(MAIL))]
    for session in (plain, kept):
        assert [row for row in rows(session) if row[0] == "DELE"] == deleted
    # What the live proxy did of its own accord for one, it would have done for the other.
    assert [row[:3] for row in rows(plain) if row[0] != "STLS"] == [row[:3] for row in rows(kept)]
    assert [row for row in rows(again) if row[0] == "DELE"] == []
    assert plain["differ"] == len([row for row in rows(plain) if row[0] != "STLS"])


def test_without_the_rules_nothing_is_kept(recorded: Recorded) -> None:
    said = recorded.replay("--rules", "imap-read-only", "--fail-on", "keep,trash")
    assert set(said["summary"]["counts"]) <= {"forward", "answered", "examine", "block"}
    assert said["summary"]["differ"] > len(MAIL)


def test_nothing_secret_is_printed(recorded: Recorded) -> None:
    for arguments in (["--json"], []):
        done = call_process("replay", "rules", *recorded.files, "--rules", "pop3-keep", *arguments)
        assert done.returncode == 0, done.stderr
        assert recorded.plain.password not in done.stdout + done.stderr
