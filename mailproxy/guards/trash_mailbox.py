"""Which mailbox is the trash: found once in a session, and made where there is none."""

from __future__ import annotations

from collections.abc import Iterable

from mailproxy.guards.asking import Asking, Offers, Unfulfilled, ask
from mailproxy.guards.imap_answers import Listed, listed, of_list, of_namespace, status_text
from mailproxy.guards.mailbox_names import Unquotable, folded, quoted, readable
from mailproxy.guards.namespaces import Namespaces, namespaces
from mailproxy.session.guard import Answer, Ask

NAMES = (
    "Trash",
    "Deleted Items",
    "Deleted Messages",
    "[Gmail]/Trash",
    "[Google Mail]/Trash",
)
"""What servers without attributes call it, in any case, also below INBOX; the first one counts."""


class TrashMailbox:
    """The trash of one session."""

    def __init__(self, offers: Offers) -> None:
        self._offers = offers
        self._mailboxes: list[Listed] | None = None
        self._made: Listed | None = None
        self._namespaces: Namespaces | None = None

    def find(self, preferred: str) -> Asking[Listed | None]:
        """The mailbox with ``\\Trash`` (RFC 6154 §2), else the one called ``preferred``, else by usual names.

        It is the user's own: nothing is moved to where other users see it.

        Raises:
            Unfulfilled: the server does not tell its mailboxes.
        """
        if self._mailboxes is None:
            self._mailboxes = yield from self._list()
        spaces = yield from self._spaces()
        return chosen(self._mailboxes, preferred, spaces) or self._made

    def make(self, preferred: str) -> Asking[Listed]:
        """A new one, among the user's own mailboxes, and subscribed.

        Raises:
            Unfulfilled: the server makes none.
        """
        spaces = yield from self._spaces()
        trash = Listed(b"".join(spaces.personal[:1]) + preferred.encode("ascii", "replace"))
        name = sent(trash)
        created: Answer = yield Ask(b"CREATE " + name)
        if not created.good and status_text(created.line)[0].upper() != b"ALREADYEXISTS":
            raise Unfulfilled.by(created)
        yield Ask(b"SUBSCRIBE " + name)  # without it the trash is there all the same
        self._made = trash
        return trash

    def forget(self) -> None:
        """It may be gone, or be another one: look anew when it is needed again."""
        self._mailboxes = self._made = None

    def _list(self) -> Asking[list[Listed]]:
        offers = yield from self._offers.known()
        # RFC 6154 §5.2: asked for by name, since plain LIST need not tell the attribute.
        if "IMAP4REV2" in offers or {"SPECIAL-USE", "LIST-EXTENDED"} <= offers:
            answer: Answer = yield Ask(b'LIST "" "*" RETURN (SPECIAL-USE)', of_list)
            if answer.good:
                return listed(answer.data)
        plain = yield from ask(b'LIST "" "*"', of_list)
        return listed(plain.data)

    def _spaces(self) -> Asking[Namespaces]:
        if self._namespaces is None:
            self._namespaces = Namespaces()
            if (yield from self._offers.known()) & {"NAMESPACE", "IMAP4REV2"}:
                answer: Answer = yield Ask(b"NAMESPACE", of_namespace)
                self._namespaces = namespaces(answer.data)
        return self._namespaces


def chosen(mailboxes: Iterable[Listed], preferred: str, spaces: Namespaces) -> Listed | None:
    """The trash among these mailboxes: of several, first of all one that is surely the user's own.

    Of those with the attribute the one called ``preferred`` counts first, then the order of the server.
    """
    able = [
        each for each in mailboxes if each.selectable and not spaces.is_foreign(each.name, each.delimiter)
    ]
    able.sort(key=lambda each: not spaces.is_personal(each.name, each.delimiter))
    with_attribute = [each for each in able if b"\\trash" in each.attributes]
    if with_attribute:
        return min(
            with_attribute,
            key=lambda each: (
                not spaces.is_personal(each.name, each.delimiter),
                folded(preferred) not in _ways_to_say(each),
            ),
        )
    for name in (preferred, *NAMES):
        for mailbox in able:
            if folded(name) in _ways_to_say(mailbox):
                return mailbox
    return None


def _ways_to_say(mailbox: Listed) -> tuple[str, str]:
    """The whole name, and the name below INBOX, where some servers put all mailboxes of a user."""
    name = folded(readable(mailbox.name, mailbox.delimiter))
    below = f"inbox{mailbox.delimiter.decode('ascii', 'replace')}"
    return name, name.removeprefix(below) if mailbox.delimiter else name


def sent(mailbox: Listed) -> bytes:
    """The name as it stands in a command.

    Raises:
        Unfulfilled: it can only be sent as a literal.
    """
    try:
        return quoted(mailbox.name)
    except Unquotable as error:
        raise Unfulfilled(str(error).encode(), b"CANNOT") from error


def is_trash(selected: bytes, trash: Listed | None) -> bool:
    """Is the mailbox that the client has selected under this name the trash itself?"""
    if trash is None:
        return False
    return readable(selected, trash.delimiter) == readable(trash.name, trash.delimiter)
