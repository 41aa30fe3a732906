"""What is remembered of a server, and how two sessions become one."""

from __future__ import annotations

import pytest

from mailproxy.capture.profile import Folder, Mailbox, Profile, Seen, normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+OK <12.34@host> ready", "+OK <99.1@other> ready"),
        ("250 2.0.0 Ok: queued as 4FzK3", "250 2.0.0 Ok: queued as 1AbC9"),
        ("OK done (0.001 + 0.000 secs).", "OK done (0.127 + 3.000 secs)."),
    ],
)
def test_what_differs_each_time_is_no_difference(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_another_word_is_a_difference() -> None:
    assert normalised("+OK ready") != normalised("+OK Dovecot ready")


def test_a_later_session() -> None:
    one = Profile("pop3", "aiko", [1], capabilities={"before login": {"TOP"}}, greeting="+OK")
    one.uidls, one.octets, one.seen = {1: "a", 2: "b"}, {1: 10, 2: 20}, [Seen(number=2, message_id="<b>")]
    one.answered("STAT", "OK", "+OK 2 30")
    later = Profile("pop3", "aiko", [4], capabilities={"before login": {"UIDL"}})
    later.uidls = {1: "b"}
    later.answered("STAT", "OK", "+OK 1 20")
    later.took("STAT", 0.5)
    one.merge(later)
    assert (one.sessions, one.greeting) == ([1, 4], "+OK")
    assert one.capabilities == {"before login": {"TOP", "UIDL"}}
    assert one.statuses["STAT"] == {"OK": 2}
    assert (one.uidls, one.octets, one.seen) == ({1: "b"}, {}, []), "numbers are those of one session"
    assert one.seconds == {"STAT": [0.5]}


def test_a_session_without_a_list_changes_none() -> None:
    one = Profile("pop3", uidls={1: "a"}, seen=[Seen(number=1)])
    one.merge(Profile("pop3"))
    assert (one.uidls, len(one.seen)) == ({1: "a"}, 1)


def test_mailboxes_and_folders() -> None:
    one = Profile("imap", mailboxes={"INBOX": Mailbox(5, 10, 3, {1: 100})})
    same = Profile(
        "imap", mailboxes={"INBOX": Mailbox(5, None, 4, {2: 200})}, folders={"x": Folder("/", frozenset())}
    )
    one.merge(same)
    assert one.mailboxes["INBOX"] == Mailbox(5, 10, 4, {1: 100, 2: 200})
    assert list(one.folders) == ["x"]
    one.merge(Profile("imap", mailboxes={"INBOX": Mailbox(6, 1, 0, {})}))
    assert one.mailboxes["INBOX"] == Mailbox(6, 1, 0, {}), "UIDs of another UIDVALIDITY are other ones"
