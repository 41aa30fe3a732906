"""Which mailbox is the trash."""

from __future__ import annotations

import pytest

from mailproxy.guards.asking import Offers, Unfulfilled
from mailproxy.guards.imap_answers import Listed
from mailproxy.guards.namespaces import Namespaces
from mailproxy.guards.trash_mailbox import TrashMailbox, chosen, is_trash, sent
from tests.guards.test_asking import given


def boxes(*names: str, delimiter: str = "/") -> list[Listed]:
    """Mailboxes; an attribute stands in front of a name, with a blank between them."""
    made = []
    for name in names:
        attribute, blank, rest = name.partition("|")
        attributes = frozenset({attribute.encode()}) if blank else frozenset[bytes]()
        made.append(Listed((rest if blank else name).encode(), delimiter.encode(), attributes))
    return made


@pytest.mark.parametrize(
    ("listed", "preferred", "name"),
    [
        (boxes("INBOX", "Trash"), "Trash", b"Trash"),
        (boxes("INBOX", "TRASH"), "Trash", b"TRASH"),
        (boxes("Trash", r"\trash|Corbeille"), "Trash", b"Corbeille"),
        (boxes("Trash", "Bin"), "Bin", b"Bin"),
        (boxes("Deleted Messages", "Deleted Items"), "Trash", b"Deleted Items"),
        (boxes(r"\all|[Gmail]/All Mail", r"[Gmail]/Trash"), "Trash", b"[Gmail]/Trash"),
        (boxes("[Google Mail]/Trash"), "Trash", b"[Google Mail]/Trash"),
        (boxes("INBOX", "INBOX.Trash", delimiter="."), "Trash", b"INBOX.Trash"),
        (boxes("inbox/deleted items"), "Trash", b"inbox/deleted items"),
        (boxes("INBOX.Bin", delimiter="."), "Bin", b"INBOX.Bin"),
        (boxes(r"\noselect|Trash", "Deleted Items"), "Trash", b"Deleted Items"),
    ],
)
def test_it_is_chosen(listed: list[Listed], preferred: str, name: bytes) -> None:
    found = chosen(listed, preferred, Namespaces())
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "listed",
    [
        [],
        boxes("INBOX", "Trash2", "Old/Trash"),
        boxes(r"\nonexistent|Trash"),
        boxes("INBOX.Trash", delimiter=""),
        boxes("&ATE-nbox/Trash"),
        boxes("Tra&AX8-h", "Traſh"),
        boxes("Deleted Me&AN8-ages"),
    ],
)
def test_there_may_be_none(listed: list[Listed]) -> None:
    assert chosen(listed, "Trash", Namespaces()) is None


OWN = Namespaces((b"",), (b"user/", b"shared/"))
BELOW_INBOX = Namespaces((b"INBOX.",), (b"user.", b""))


@pytest.mark.parametrize(
    ("listed", "preferred", "spaces", "name"),
    [
        (boxes(r"\trash|shared/Trash", r"\trash|Bin"), "Trash", OWN, b"Bin"),
        (boxes(r"\trash|user/bo/Trash", "Trash"), "Trash", OWN, b"Trash"),
        (boxes(r"\trash|shared/Trash"), "Trash", OWN, None),
        (boxes(r"\trash|shared"), "Trash", OWN, None),
        (boxes(r"\trash|shared bin"), "Trash", OWN, b"shared bin"),
        (boxes(r"\trash|Old", r"\trash|Trash"), "Trash", OWN, b"Trash"),
        (boxes(r"\trash|Old", r"\trash|TRASH"), "Trash", OWN, b"TRASH"),
        (boxes(r"\trash|Old", r"\trash|Older"), "Trash", OWN, b"Old"),
        (boxes(r"\trash|Trash", r"\trash|Bin"), "Trash", Namespaces(), b"Trash"),
        (boxes(r"\trash|Old", r"\trash|Trash"), "Trash", Namespaces(), b"Trash"),
        (boxes("shared/Deleted Items", "Deleted Items"), "Trash", OWN, b"Deleted Items"),
        (boxes("Trash", "inbox.Trash", delimiter="."), "Trash", BELOW_INBOX, b"inbox.Trash"),
        (boxes(r"\trash|Trash", delimiter="."), "Trash", BELOW_INBOX, None),
        # Outside of all that is told: the user's own come first.
        (boxes("Trash", "INBOX.Trash", delimiter="."), "Trash", Namespaces((b"INBOX.",)), b"INBOX.Trash"),
        (
            boxes(r"\trash|Trash", r"\trash|INBOX.Bin", delimiter="."),
            "Trash",
            Namespaces((b"INBOX.",)),
            b"INBOX.Bin",
        ),
        (boxes("Trash", delimiter="."), "Trash", Namespaces((b"INBOX.",)), b"Trash"),
    ],
)
def test_of_several_it_is_the_users_own(
    listed: list[Listed], preferred: str, spaces: Namespaces, name: bytes | None
) -> None:
    found = chosen(listed, preferred, spaces)
    assert (found and found.name) == name


def test_the_namespaces_are_asked_for_once() -> None:
    mailbox = TrashMailbox(Offers(frozenset))
    turns = [
        ("CAPABILITY", "* CAPABILITY IMAP4rev1 NAMESPACE|OK"),
        ('LIST "" "*"', r'* LIST (\Trash) "/" shared/Bin|* LIST (\Trash) "/" Bin|OK'),
        ("NAMESPACE", '* NAMESPACE (("" "/")) NIL (("shared/" "/"))|OK'),
    ]
    found = given(mailbox.find("Trash"), *turns)
    assert found is not None
    assert found.name == b"Bin"
    mailbox.forget()
    assert given(mailbox.find("Trash"), ('LIST "" "*"', r'* LIST (\Trash) "/" shared/Bin|OK')) is None


@pytest.mark.parametrize(
    ("selected", "trash", "same"),
    [
        (b"Trash", Listed(b"Trash", b"/"), True),
        (b"trash", Listed(b"Trash", b"/"), False),
        (b"inbox.Trash", Listed(b"INBOX.Trash", b"."), True),
        (b"INBOX.trash", Listed(b"INBOX.Trash", b"."), False),
        (b"Papierk&APY-rbe", Listed("Papierkörbe".encode(), b"/"), True),
        (b"INBOX", Listed(b"Trash", b"/"), False),
        (b"&ATE-nbox/Trash", Listed(b"INBOX/Trash", b"/"), False),
        (b"Tra&AX8-h", Listed(b"Trash", b"/"), False),
        (b"Deleted Me&AN8-ages", Listed(b"Deleted Messages", b"/"), False),
        (b"Trash", None, False),
    ],
)
def test_is_trash(selected: bytes, trash: Listed | None, same: bool) -> None:
    assert is_trash(selected, trash) is same


PLAIN = ("CAPABILITY", "* CAPABILITY IMAP4rev1|OK")


@pytest.mark.parametrize("offers", ["SPECIAL-USE LIST-EXTENDED", "IMAP4rev2"])
def test_the_attribute_is_asked_for(offers: str) -> None:
    found = given(
        TrashMailbox(Offers(frozenset)).find("Trash"),
        ("CAPABILITY", f"* CAPABILITY {offers}|OK"),
        ('LIST "" "*" RETURN (SPECIAL-USE)', r'* LIST (\Trash) "/" Bin|OK'),
        *([("NAMESPACE", '* NAMESPACE (("" "/")) NIL NIL|OK')] if offers == "IMAP4rev2" else []),
    )
    assert found == Listed(b"Bin", b"/", frozenset({b"\\trash"}))


def test_a_server_that_does_not_know_it_after_all() -> None:
    mailbox = TrashMailbox(Offers(frozenset))
    found = given(
        mailbox.find("Trash"),
        ("CAPABILITY", "* CAPABILITY SPECIAL-USE LIST-EXTENDED|OK"),
        ('LIST "" "*" RETURN (SPECIAL-USE)', "BAD what"),
        ('LIST "" "*"', '* LIST () "/" Trash|OK'),
    )
    assert found == Listed(b"Trash", b"/")
    assert given(mailbox.find("Trash")) == found
    mailbox.forget()
    assert given(mailbox.find("Trash"), ('LIST "" "*" RETURN (SPECIAL-USE)', "OK")) is None


def test_a_server_that_tells_no_mailboxes() -> None:
    with pytest.raises(Unfulfilled):
        given(TrashMailbox(Offers(frozenset)).find("Trash"), PLAIN, ('LIST "" "*"', "NO not now"))


@pytest.mark.parametrize(
    ("offers", "turns", "name"),
    [
        ("IMAP4rev1", [], b"Bin"),
        ("NAMESPACE", [("NAMESPACE", '* NAMESPACE (("INBOX." ".")) NIL NIL|OK')], b"INBOX.Bin"),
        ("NAMESPACE", [("NAMESPACE", "NO")], b"Bin"),
    ],
)
@pytest.mark.parametrize("created", ["OK", "NO [ALREADYEXISTS] it is there"])
@pytest.mark.parametrize("subscribed", ["OK", "NO"])
def test_it_is_made(
    offers: str, turns: list[tuple[str, str]], name: bytes, created: str, subscribed: str
) -> None:
    mailbox = TrashMailbox(Offers(frozenset))
    made = given(
        mailbox.make("Bin"),
        ("CAPABILITY", f"* CAPABILITY {offers}|OK"),
        *turns,
        (f'CREATE "{name.decode()}"', created),
        (f'SUBSCRIBE "{name.decode()}"', subscribed),
    )
    assert made == Listed(name)
    assert given(mailbox.find("Bin"), ('LIST "" "*"', "OK")) == made


def test_it_cannot_be_made() -> None:
    with pytest.raises(Unfulfilled, match="no right"):
        given(TrashMailbox(Offers(frozenset)).make("Bin"), PLAIN, ('CREATE "Bin"', "NO [NOPERM] no right"))


def test_a_name_that_needs_a_literal() -> None:
    with pytest.raises(Unfulfilled) as failure:
        sent(Listed(b"a\r\nb"))
    assert failure.value.code == b"CANNOT"
