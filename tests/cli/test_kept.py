"""``mailproxy kept``: kept mail listed, restored and purged, in a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailproxy.cli.kept import shown
from mailproxy.guards.memory import ViewKey
from mailproxy.store.store import Store
from tests.cli.calling import call, call_on_terminal, call_process, columns
from tests.cli.conftest import SINCE, SINCE_UTC, Keep

HOSTILE = "eve\x1b]0;owned\x07\u202e\n"


def left(store: Store) -> set[tuple[str, str, bytes, bool]]:
    """Upstream, user, UIDL of all that is kept, and whether it is due."""
    return {(row.upstream, row.user, row.uidl, row.due) for row in store.kept.listing()}


def acts(store: Store) -> list[tuple[str, str, str, object, object]]:
    """The audit: kind, upstream, user, how many messages, and which."""
    rows = store.audit.rows()
    assert all(row.detail["by"] for row in rows)
    return [(row.kind, row.upstream, row.user, row.detail["messages"], row.detail["uidls"]) for row in rows]


def test_list_in_a_pipe(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"u1", b"u2", b"u3", program="192.0.2.7")
    keep("bo", b"u1", upstream="other")
    store.kept.purge("aiko", uidls=[b"u2"])
    store.kept.keep(ViewKey("main", "aiko", "192.0.2.7"), [], "", SINCE, missing=[b"u3"])
    rows = [line.split("\t") for line in call("kept", "list", "-c", config).stdout.splitlines()]
    tail = ["1500", SINCE_UTC, "keep-pop-mail"]
    assert rows == [
        ["main", "aiko", "192.0.2.7", "u1", *tail, "kept"],
        ["main", "aiko", "192.0.2.7", "u2", *tail, "due"],
        ["main", "aiko", "192.0.2.7", "u3", *tail, "missing"],
        ["other", "bo", "", "u1", *tail, "kept"],
    ]
    for limits, users in ((["--user", "bo"], ["bo"]), (["--upstream", "main"], ["aiko"] * 3)):
        lines = call("kept", "list", "-c", config, *limits).stdout.splitlines()
        assert [line.split("\t")[1] for line in lines] == users


def test_list_as_json_by_a_process(config: Path, keep: Keep) -> None:
    keep("aiko", b"u\\1")
    done = call_process("kept", "list", "--config", config, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [
        {
            "upstream": "main",
            "user": "aiko",
            "program": "",
            "uidl": "u\\\\1",
            "octets": 1500,
            "since": SINCE_UTC,
            "rule": "keep-pop-mail",
            "state": "kept",
        }
    ]


def test_list_on_a_terminal(config: Path, keep: Keep) -> None:
    keep("aiko", b"u1")
    code, text = call_on_terminal("kept", "list", "-c", config, kind="xterm")
    assert code == 0
    assert columns(text) == [
        ["main", "aiko", "", "u1", "1.5 kB", "2023-11-15 07:13:20", "keep-pop-mail", "kept"]
    ]


def test_nothing_is_kept(config: Path, store: Store) -> None:
    result = call("kept", "list", "-c", config)
    assert (result.stdout, result.stderr) == ("", "mailproxy: nothing is kept\n")
    assert json.loads(call("kept", "list", "-c", config, "--json").stdout) == []


def test_a_user_that_is_not_there(config: Path, keep: Keep) -> None:
    keep("aiko@example.jp", b"u1")
    listed = call("kept", "list", "-c", config, "--user", "aikoo@example.jp", "--json")
    assert json.loads(listed.stdout) == []
    assert 'did you mean "aiko@example.jp"?' in listed.stderr
    for command in ("restore", "purge"):
        refused = call("kept", command, "-c", config, "--user", "AIKO@example.jp", "--all", "--yes", code=1)
        assert 'did you mean "aiko@example.jp"?' in refused.stderr
        assert refused.stdout == ""


def test_a_user_of_another_upstream(config: Path, keep: Keep) -> None:
    keep("aiko", b"u1")
    arguments = ("kept", "restore", "-c", config, "--user", "aiko", "--upstream", "othr", "--all")
    assert 'nothing of "aiko" is kept at othr' in call(*arguments, code=1).stderr


def test_restore_some(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"u1", b"u2", b"u3")
    keep("aiko", b"u1", program="192.0.2.7")
    keep("bo", b"u1")
    arguments = ("kept", "restore", "-c", config, "--user", "aiko", "--uidl", "u1", "--uidl", "u3")
    assert call(*arguments).stdout == "2 messages of aiko at main: seen again from the next session on\n"
    assert left(store) == {("main", "aiko", b"u2", False), ("main", "bo", b"u1", False)}
    assert acts(store) == [("kept.restore", "main", "aiko", 2, ["u1", "u3"])]


def test_restore_all_of_every_upstream_or_of_one(config: Path, keep: Keep, store: Store) -> None:
    for upstream in ("main", "other", "third"):
        keep("aiko", b"u1", upstream=upstream)
    call("kept", "restore", "-c", config, "--user", "aiko", "--all", "--upstream", "other")
    assert {row[0] for row in left(store)} == {"main", "third"}
    both = call("kept", "restore", "-c", config, "--user", "aiko", "--all").stdout
    assert [line.split(":")[0] for line in both.splitlines()] == [
        "1 message of aiko at main",
        "1 message of aiko at third",
    ]
    assert left(store) == set()
    assert [act[1] for act in acts(store)] == ["other", "main", "third"]


def test_restore_takes_a_purge_back(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"u1")
    call("kept", "purge", "-c", config, "--user", "aiko", "--all", "--yes")
    call("kept", "restore", "-c", config, "--user", "aiko", "--all")
    assert left(store) == set()


def test_purge_by_a_process(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"u1", b"u2")
    done = call_process("kept", "purge", "-c", config, "--user", "aiko", "--uidl", "u1", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 message of aiko at main: deleted on the server at the next session\n"
    assert left(store) == {("main", "aiko", b"u1", True), ("main", "aiko", b"u2", False)}
    assert acts(store) == [("kept.purge", "main", "aiko", 1, ["u1"])]


def test_purge_never_asks_in_a_pipe(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"u1")
    refused = call("kept", "purge", "-c", config, "--user", "aiko", "--all", code=2, typed="y\n")
    assert "--yes" in refused.stderr
    assert left(store) == {("main", "aiko", b"u1", False)}
    assert acts(store) == []


@pytest.mark.parametrize(("typed", "code", "due"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)])
def test_purge_asks_on_a_terminal(
    config: Path, keep: Keep, store: Store, typed: str, code: int, due: bool
) -> None:
    keep("aiko", b"u1", b"u2")
    keep("aiko", b"u1", program="192.0.2.7")
    ended, text = call_on_terminal("kept", "purge", "-c", config, "--user", "aiko", "--all", typed=typed)
    assert ended == code
    assert "will delete 2 messages of aiko for good" in text
    assert {row[3] for row in left(store)} == {due}
    assert ("nothing was changed" in text) is not due
    assert bool(acts(store)) is due


def test_restore_asks_before_it_restores_all(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"u1", b"u2")
    arguments = ("kept", "restore", "-c", config, "--user", "aiko")
    ended, text = call_on_terminal(*arguments, "--all", typed="n\n")
    assert (ended, len(left(store))) == (1, 2)
    assert "download 2 messages again" in text
    assert call_on_terminal(*arguments, "--uidl", "u1")[0] == 0
    assert call_on_terminal(*arguments, "--all", "--yes")[0] == 0
    assert left(store) == set()


@pytest.mark.parametrize("command", ["restore", "purge"])
def test_a_uidl_that_is_not_kept_changes_nothing(
    config: Path, keep: Keep, store: Store, command: str
) -> None:
    keep("aiko", b"0001", b"0002")
    before = left(store)
    arguments = ("kept", command, "-c", config, "--user", "aiko", "--yes")
    refused = call(*arguments, "--uidl", "0001", "--uidl", "0003", code=1)
    assert 'no kept message of "aiko" has the UIDL "0003"; did you mean "000' in refused.stderr
    assert "mailproxy kept list" in call(*arguments, "--uidl", "zz", code=1).stderr
    assert left(store) == before
    assert acts(store) == []


@pytest.mark.parametrize("more", [[], ["--uidl", "u1", "--all"]])
@pytest.mark.parametrize("command", ["restore", "purge"])
def test_which_messages_must_be_said_in_one_way(
    config: Path, keep: Keep, command: str, more: list[str]
) -> None:
    keep("aiko", b"u1")
    refused = call("kept", command, "-c", config, "--user", "aiko", "--yes", *more, code=2)
    assert "--uidl" in refused.stderr


@pytest.mark.parametrize(
    ("uidl", "text"),
    [
        (b"plain!~", "plain!~"),
        (b"a\\b", "a\\\\b"),
        (b"\x1b[2J \x80\xff", "\\x1b[2J\\x20\\x80\\xff"),
        (b"a\\x41", "a\\\\x41"),
        ("ü".encode(), "\\xc3\\xbc"),
    ],
)
def test_a_uidl_is_found_as_it_is_printed(
    config: Path, keep: Keep, store: Store, uidl: bytes, text: str
) -> None:
    keep("aiko", uidl, b"other")
    assert shown(uidl) == text
    assert text in {line.split("\t")[3] for line in call("kept", "list", "-c", config).stdout.splitlines()}
    call("kept", "restore", "-c", config, "--user", "aiko", "--uidl", text)
    assert left(store) == {("main", "aiko", b"other", False)}


def test_a_uidl_is_found_as_it_is(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"a\\b", "ü".encode())
    call("kept", "restore", "-c", config, "--user", "aiko", "--uidl", "a\\b", "--uidl", "ü")
    assert left(store) == set()


def test_the_printed_form_goes_first(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", b"a\\b", b"a\\\\b")
    call("kept", "purge", "-c", config, "--user", "aiko", "--uidl", "a\\\\b", "--yes")
    assert left(store) == {("main", "aiko", b"a\\b", True), ("main", "aiko", b"a\\\\b", False)}


def test_hostile_names_do_not_reach_the_terminal(config: Path, keep: Keep, store: Store) -> None:
    keep(HOSTILE, b"\x1b[2J\x07", program="\x9b31m")
    printed = "eve\\x1b]0;owned\\x07\\u202e\\n"
    for arguments in (
        ["list"],
        ["list", "--json"],
        ["list", "--user", "eve\x1b"],
        ["restore", "--user", "eve\x1b", "--all", "--yes"],
        ["purge", "--user", printed, "--uidl", "\x1b[2j"],
        ["purge", "--user", printed, "--all"],
    ):
        _, text = call_on_terminal("kept", arguments[0], "-c", config, *arguments[1:], typed="y\n")
        assert text.replace("\n", "").isprintable(), arguments
        assert "Traceback" not in text
    assert left(store) == {("main", HOSTILE, b"\x1b[2J\x07", True)}


def test_thousands_at_once(config: Path, keep: Keep, store: Store) -> None:
    keep("aiko", *(b"%d" % number for number in range(5000)))
    call("kept", "purge", "-c", config, "--user", "aiko", "--all", "--yes")
    assert {row[3] for row in left(store)} == {True}
    assert acts(store)[0][3] == 5000
