"""IMAP programs that expunge, in front of a proxy that moves to the trash: nothing is lost or confused."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import on_server, removing
from tests.clients.standard_library import body
from tests.proxy_process import PROJECT, Proxy, Way, mailproxy_running
from tests.servers.dovecot import Dovecot
from tests.servers.messages import on_the_wire, sample_messages
from tests.waiting import until

SAMPLES = sample_messages()
LOADED = [on_the_wire(message) for message in SAMPLES.values()]
DOOMED = ("dots", "large", "empty")
GONE = [on_the_wire(SAMPLES[name]) for name in DOOMED]
LEFT = [message for message in LOADED if message not in GONE]
FLAGS = {1: ["\\Flagged"], 2: ["\\Answered", "work"], 5: ["\\Seen"]}

REMOVING = [
    removing.mbsync,
    removing.mbsync_with_trash,
    removing.offlineimap,
    removing.mutt_expunging,
    removing.mutt_quitting,
    removing.imapclient,
    removing.imapflow,
]
MARKED_BY_ITSELF = (removing.mbsync_with_trash,)  # it moves messages that are \\Deleted already

WITH_A_COPY = (removing.mbsync, removing.mbsync_with_trash, removing.offlineimap)

# What a program says when it changes a mailbox; beside these it only looks, or leaves with CLOSE.
CHANGES = {"APPEND", "CREATE", "DELETE", "RENAME"} | {
    prefix + verb for prefix in ("", "UID ") for verb in ("COPY", "EXPUNGE", "MOVE", "REPLACE", "STORE")
}


@pytest.fixture(scope="module", params=["imap-trash", "imap-organise"])
def trashing(
    request: pytest.FixtureRequest, dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    way = Way("imap", "imap", "implicit", "implicit", dovecot.imap.secure, dovecot.authority.ca)
    rules = PROJECT / f"rules/{request.param}.toml"
    with mailproxy_running(tmp_path_factory.mktemp(request.param), [way], [rules]) as running:
        yield running


@pytest.mark.parametrize("remove", REMOVING, ids=lambda value: value.__name__)
def test_what_is_expunged_is_in_the_trash(
    trashing: Proxy, dovecot: Dovecot, tmp_path: Path, remove: removing.Remover
) -> None:
    account = dovecot.newcomer(SAMPLES.values())
    on_server.add_flags(dovecot, account, FLAGS)
    before = {one.message: one for one in on_server.stored(dovecot, account)}
    door = trashing.door("imap")

    assert len(remove(tmp_path, door, account, [])) == len(SAMPLES)
    seen = remove(tmp_path, door, account, DOOMED)
    assert bodies(seen) == bodies(LEFT), "the program sees its deletion succeed"

    inbox, trash = on_server.stored(dovecot, account), on_server.stored(dovecot, account, "Trash")
    assert [one.message for one in inbox] == LEFT
    assert [(one.uid, one.message) for one in inbox] == [(before[text].uid, text) for text in LEFT]
    assert sorted(one.message for one in trash) == sorted(GONE)
    ignored = {"\\Seen"} | ({"\\Deleted"} if remove in MARKED_BY_ITSELF else set())
    for one in [*inbox, *trash]:
        assert one.flags - ignored == before[one.message].flags - ignored

    until_now = so_far(trashing)
    assert bodies(remove(tmp_path, door, account, [])) == bodies(LEFT)
    said = so_far(trashing)[len(until_now) :]
    verbs = {verb for verb, _text in said}
    assert verbs & {"LOGIN", "AUTHENTICATE"}
    assert not verbs & CHANGES, "the next run has nothing to do"
    if remove in WITH_A_COPY:
        assert not [text for _verb, text in said if "BODY" in text], "nor anything to fetch"
    assert on_server.stored(dovecot, account) == inbox
    assert on_server.stored(dovecot, account, "Trash") == trash


def bodies(messages: list[bytes]) -> list[bytes]:
    """What is compared: programs have header fields and an order of their own."""
    return sorted(body(message) for message in messages)


def so_far(proxy: Proxy) -> list[tuple[str, str]]:
    """All commands, with their arguments, that programs have given so far, those just answered included.

    The log is written in order, so what was said before a reload stands before its line.
    """
    reloads = sum(event["event"] == "reloaded" for event in proxy.events())
    os.kill(proxy.pid, signal.SIGHUP)
    until(
        lambda: sum(event["event"] == "reloaded" for event in proxy.events()) > reloads, "line of the reload"
    )
    commands = [event for event in proxy.events() if event["event"] == "command"]
    return [(event["verb"], event["text"]) for event in commands if event["verdict"] != "own"]
