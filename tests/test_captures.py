"""The files of ``captures/``: each shows what its name says, to us and to tshark."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.capture.tshark import messages, tshark, warnings
from tests.cli.calling import call
from tests.clients.captured import Ended, mailproxy
from tests.make_captures import FOLDER, LATER, LETTERS, SCENES
from tests.secrets_check import assert_no_secrets
from tests.servers.endpoints import ACCOUNTS
from tests.servers.messages import on_the_wire

NAMES = [*SCENES, *LATER]
LARGEST = 64 * 1024

# What stands in the dialogue that a person is shown.
SHOWN = {
    "pop3-program-deletes": "S: ← +OK Logging out, messages deleted.",
    "pop3-program-deletes-with-keep": "-- keep by pop3-keep: This mailbox is read with IMAP too",
    "pop3-deletion-blocked": "-- block by pop3-block-dele: ",
    "pop3-wrong-password": "-- not let in: alice (PASS) --",
    "pop3-before-migration": "C: → UIDL",
    "pop3-after-migration": "C: → UIDL",
    "imap-organise-and-expunge": "S: ← * 3 EXPUNGE",
    "imap-idle": "S: ← + idling",
    "imap-starttls-refused": "-- refuse: TLS is not available on this port --",
    "imap-messages-cut": "octets of the server are not in the capture --",
    "smtp-send-pipelined": "C: → [message, 259 octets, Subject: Minutes of Monday's meeting",
    "smtp-rejected-recipient": "S: ← 550 5.1.1 <nobody@example.test>",
}
NO_DECODING = "base64 decode failed or is not enabled (check SMTP preferences)"
# What tshark warns of: octets that are missing, and logins of SMTP (of each, unless a preference is set).
WARNED = {
    "imap-messages-cut": {
        "Previous segment(s) not captured (common at capture start)",
        "ACKed segment that wasn't captured (common at capture start)",
    },
    "smtp-send-pipelined": {NO_DECODING},
    "smtp-rejected-recipient": {NO_DECODING},
}
HERE = re.compile(rb"/(?:work|tmp|home|root|var)/|\broot\b|localdomain")


def file(name: str) -> Path:
    return FOLDER / f"{name}.pcapng"


def test_all_files_are_known_and_small() -> None:
    found = {path.name: path.stat().st_size for path in FOLDER.glob("*.pcap*")}
    assert found.keys() == {f"{name}.pcapng" for name in NAMES}
    assert [name for name, octets in found.items() if octets > LARGEST] == []


def test_readme_tells_of_each() -> None:
    told = re.findall(r"^\| `([\w-]+)\.pcapng` \|", (FOLDER / "README.md").read_text(), re.M)
    assert sorted(told) == sorted(NAMES)


def test_nothing_of_the_machine_that_made_them_is_in_them() -> None:
    assert [path.name for path in FOLDER.glob("*.pcapng") if HERE.search(path.read_bytes())] == []
    assert_no_secrets(FOLDER, ACCOUNTS)


@pytest.mark.parametrize("name", NAMES)
def test_list_and_show(name: str) -> None:
    protocol = name.partition("-")[0]
    rows = [line.split("\t") for line in call("capture", "list", file(name)).stdout.splitlines()]
    assert {row[2] for row in rows} == {protocol}
    assert len(rows) == (2 if name == "pop3-program-deletes-with-keep" else 1)
    shown = call("capture", "show", file(name)).stdout
    assert SHOWN[name] in shown
    call("capture", "stats", file(name))


@pytest.mark.parametrize("name", NAMES)
def test_tshark_opens_it(name: str) -> None:
    said = {
        re.split(r"\s{2,}", line.strip())[3]
        for line in warnings(file(name)).splitlines()
        if line.startswith("  ") and "Frequency" not in line
    }
    assert said == WARNED.get(name, set())
    protocol = name.partition("-")[0].removesuffix("3")
    assert tshark(file(name), "-Y", f"{protocol}").count("\n") > 4


def test_tshark_exports_the_messages(tmp_path: Path) -> None:
    shutil.copy(file("imap-idle"), tmp_path)
    shutil.copy(file("pop3-program-deletes"), tmp_path)
    (idle, deletes) = (tmp_path / f"{name}.pcapng" for name in ("imap-idle", "pop3-program-deletes"))
    assert messages(idle) == [on_the_wire(LETTERS[1])] * 2
    assert {on_the_wire(LETTERS[0]), on_the_wire(LETTERS[2])} < set(messages(deletes))


def rehearsed(name: str, *words: str) -> Ended:
    """``mailproxy replay rules``, by a process of its own: it may never connect again."""
    return mailproxy("replay", "rules", file(name), *words)


def test_the_shipped_rule_would_have_kept_what_was_deleted() -> None:
    done = rehearsed("pop3-program-deletes", "--rules", "rules/pop3-keep.toml", "--json")
    assert done.code == 0, done
    (session,) = json.loads(done.output)["sessions"]
    kept = [one for one in session["commands"] if one["verdict"] == "keep"]
    assert [(one["verb"], one["text"]) for one in kept] == [("DELE", number) for number in "123"]
    assert rehearsed("pop3-program-deletes", "--rules", "pop3-keep", "--fail-on", "keep").code == 1


@pytest.mark.parametrize(
    ("name", "rules"),
    [("pop3-program-deletes-with-keep", "pop3-keep"), ("pop3-deletion-blocked", "pop3-block-dele")],
)
def test_the_live_proxy_had_said_the_same(name: str, rules: str) -> None:
    done = rehearsed(name, "--rules", rules, "--changes", "--fail-on", "change")
    assert (done.code, done.output) == (0, ""), done


def test_the_migration_has_changed_the_uidls() -> None:
    result = call("capture", "diff", file("pop3-before-migration"), file("pop3-after-migration"), code=1)
    changed = [line for line in result.stdout.splitlines() if "UIDL changed" in line]
    assert [line.split("\t")[2] for line in changed] == ["message 1", "message 2", "message 3"]
    call("capture", "diff", file("pop3-before-migration"), file("pop3-before-migration"))
