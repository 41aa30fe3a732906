"""Whose mailboxes are whose."""

from __future__ import annotations

import pytest

from mailproxy.guards.namespaces import Namespaces, namespaces


@pytest.mark.parametrize(
    ("data", "personal", "foreign"),
    [
        (b'* NAMESPACE (("" "/")) NIL NIL\r\n', (b"",), ()),
        (b'* namespace (("INBOX." ".")) nil (("shared." "."))\r\n', (b"INBOX.",), (b"shared.",)),
        (b'* NAMESPACE (("a\\"b/" "/")("#mh/" "/")) NIL NIL\r\n', (b'a"b/', b"#mh/"), ()),
        (b'* NAMESPACE (("" "/") ("#mh/" NIL)) NIL NIL\r\n', (b"", b"#mh/"), ()),
        (
            b'* NAMESPACE (("" "/" "X-PARAM" ("FLAG1" "FLAG2"))) (("~" "/")) (("#s/" "/")("#p/" "/"))\r\n',
            (b"",),
            (b"~", b"#s/", b"#p/"),
        ),
        (b'* NAMESPACE NIL NIL (("" "/"))\r\n', (), (b"",)),
        (b"* NAMESPACE NIL NIL\r\n", (), ()),
        (b'* NAMESPACE (("" "/") NIL NIL\r\n', (), ()),
        (b'* NAMESPACE (("" "/"))\r\n', (), ()),
        (b"* OK hi\r\n", (), ()),
        (b"", (), ()),
    ],
)
def test_what_the_server_tells(data: bytes, personal: tuple[bytes, ...], foreign: tuple[bytes, ...]) -> None:
    assert namespaces(data) == Namespaces(personal, foreign)


@pytest.mark.parametrize(
    ("personal", "foreign", "name", "whose"),
    [
        ("", "shared/", b"Trash", "personal"),
        ("", "shared/", b"shared/Trash", "foreign"),
        ("", "shared/", b"shared", "foreign"),
        ("", "shared/", b"sharedness", "personal"),
        ("INBOX/", "", b"Trash", "foreign"),
        ("INBOX/", "", b"inbox/Trash", "personal"),
        ("INBOX/", "", b"INBOX", "personal"),
        ("INBOX/", "user/", b"Trash", ""),
        ("", "", b"Trash", "personal"),
    ],
)
def test_whose_it_is(personal: str, foreign: str, name: bytes, whose: str) -> None:
    spaces = Namespaces((personal.encode(),), (foreign.encode(),))
    found = {"personal": spaces.is_personal(name, b"/"), "foreign": spaces.is_foreign(name, b"/")}
    assert found == {"personal": whose == "personal", "foreign": whose == "foreign"}


def test_where_nothing_is_told_nothing_is_known() -> None:
    assert not Namespaces().is_foreign(b"Trash", b"/")
    assert not Namespaces().is_personal(b"Trash", b"/")
