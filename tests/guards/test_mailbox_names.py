"""Names of mailboxes, as they are sent and as people read them."""

from __future__ import annotations

import pytest

from mailproxy.guards.mailbox_names import Unquotable, quoted, readable


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        (b"Trash", b'"Trash"'),
        (b"", b'""'),
        (rb'a "b" \c', rb'"a \"b\" \\c"'),
        (b"Entw&APw-rfe", b'"Entw&APw-rfe"'),
        ("Entwürfe".encode(), '"Entwürfe"'.encode()),
    ],
)
def test_quoted(name: bytes, sent: bytes) -> None:
    assert quoted(name) == sent


@pytest.mark.parametrize("name", [b"a\rb", b"a\nb", b"a\0b", b"x" * 1001])
def test_some_names_cannot_be_quoted(name: bytes) -> None:
    with pytest.raises(Unquotable):
        quoted(name)


@pytest.mark.parametrize(
    ("name", "delimiter", "text"),
    [
        (b"inbox", b"", "INBOX"),
        (b"inbox.Trash", b".", "INBOX.Trash"),
        (b"inbox/Trash", b".", "inbox/Trash"),
        (b"inboxes/Trash", b"/", "inboxes/Trash"),
        (b"Papierk&APY-rbe", b"/", "Papierkörbe"),
        ("Papierkörbe".encode(), b"/", "Papierkörbe"),
        (b"trash", b"/", "trash"),
    ],
)
def test_readable(name: bytes, delimiter: bytes, text: str) -> None:
    assert readable(name, delimiter) == text
