"""Names of mailboxes, as they are sent and as people read them."""

from __future__ import annotations

import pytest

from mailproxy.guards.mailbox_names import Unquotable, folded, quoted, readable


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
        (b"&ATE-nbox", b"", "ınbox"),
        (b"&ATE-nbox/Trash", b"/", "ınbox/Trash"),
        (b"Tra&AX8-h", b"/", "Traſh"),
    ],
)
def test_readable(name: bytes, delimiter: bytes, text: str) -> None:
    assert readable(name, delimiter) == text


@pytest.mark.parametrize(
    ("name", "folded_name"),
    [("TRASH [09] az", "trash [09] az"), ("ıİſßÄÖ\u212a", "ıİſßÄÖ\u212a"), ("", "")],
)
def test_only_ascii_is_folded(name: str, folded_name: str) -> None:
    assert folded(name) == folded_name
