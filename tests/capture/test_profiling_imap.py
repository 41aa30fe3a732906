"""What IMAP responses say of mailboxes and folders."""

from __future__ import annotations

import pytest

from mailproxy.capture.profile import Folder, Mailbox, Profile, Seen
from mailproxy.capture.profiling import profiles
from tests.capture.talks import Cut, Talk, byte_by_byte, items, whole

TALK = Talk(
    "imap",
    r"""
    S: * OK [CAPABILITY IMAP4rev1 IDLE] ready
    C: a LOGIN aiko hemmelig
    S: a OK [CAPABILITY IMAP4rev1 MOVE] hello
    C: b LIST "" "*"
    S: * LIST (\HasNoChildren \Sent) "/" "Sent Mail"
    S: * LIST () NIL INBOX
    S: * LIST (\Noselect) "\\" {3}
    S: A B
    S: b OK done
    C: c STATUS Old (UIDVALIDITY UIDNEXT MESSAGES)
    S: * STATUS Old (UIDVALIDITY 7 UIDNEXT 8 MESSAGES 9)
    S: c OK done
    C: d SELECT inbox
    S: * 3 EXISTS
    S: * OK [UIDVALIDITY 5] x
    S: * OK [UIDNEXT 12] x
    S: d OK [READ-WRITE] done
    C: e UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[HEADER])
    S: * 1 FETCH (ENVELOPE ("x UID 3 RFC822.SIZE 4 ") UID 10 RFC822.SIZE 100 BODY[HEADER] {17}
    S: Message-ID: <a>
    S: )
    S: * 2 FETCH (RFC822.SIZE 200 UID 11)
    S: e OK done
    C: f IDLE
    S: + idling
    S: * 4 EXISTS
    C: DONE
    S: f NO what
    """,
)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_imap(cut: Cut) -> None:
    found: list[Profile] = profiles(items(TALK, cut=cut))
    (profile,) = found
    assert profile.user == "aiko"
    assert profile.capabilities == {
        "before login": {"IMAP4REV1", "IDLE"},
        "after login": {"IMAP4REV1", "MOVE"},
    }
    assert profile.folders == {
        "Sent Mail": Folder("/", frozenset({"\\hasnochildren", "\\sent"})),
        "INBOX": Folder("", frozenset()),
        "A B": Folder("\\", frozenset({"\\noselect"})),
    }
    assert profile.mailboxes == {
        "Old": Mailbox(7, 8, 9),
        "INBOX": Mailbox(5, 12, 4, {10: 100, 11: 200}),
    }
    assert profile.statuses["IDLE"] == {"NO": 1}
    assert "IDLE" not in profile.seconds
    assert profile.seen == [Seen(mailbox="INBOX", uid=10, message_id="<a>")]
