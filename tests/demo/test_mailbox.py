from __future__ import annotations

import trio
from trio.testing import wait_all_tasks_blocked

from mailproxy.demo.mailbox import Account, Mailbox


def test_uids_are_never_used_again() -> None:
    mailbox = Mailbox([b"one", b"two"])
    mailbox.remove([mailbox.messages[1]])
    assert mailbox.append(b"three").uid == 3
    assert [message.octets for message in mailbox.messages] == [b"one", b"three"]


async def test_every_change_wakes_who_waits() -> None:
    mailbox = Mailbox()
    woken = []

    async def wait() -> None:
        await mailbox.wait_changed()
        woken.append(len(mailbox.messages))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        assert woken == []
        mailbox.append(b"new")
    assert woken == [1]


def test_account_admits_only_its_user() -> None:
    account = Account("user", "word")
    assert account.admits(b"user", b"word")
    assert not account.admits(b"user", b"wor")
    assert not account.admits(b"use", b"word")
    assert account.admits_plain(b"\0user\0word")
    assert not account.admits_plain(b"user\0word")
    assert "word" not in repr(account.password)


def test_inbox_in_any_case_other_names_exactly() -> None:
    account = Account("user", "word")
    sent = account.create("Sent")
    assert account.find("inBox") is account.inbox
    assert account.find("Sent") is sent
    assert account.find("sent") is None
    assert sent.uid_validity != account.inbox.uid_validity
