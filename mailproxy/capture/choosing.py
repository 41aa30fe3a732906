"""Which conversations of a file are wanted, where that is only known behind them: by their user."""

from __future__ import annotations

from collections.abc import Iterable

from mailproxy.capture.conversations import Conversation, Ended, Item, Remarked


class Choice:
    """Conversations by number, user and leg.

    ``number`` also takes the other leg of the same session, if that begins behind it. ``leg`` is
    ``client``, ``server`` or ``both``; None is the one that ``number`` names, else the client's. In captures
    of others there are no legs, and no choice among them.
    """

    def __init__(self, number: int | None = None, leg: str | None = None, users: Users | None = None) -> None:
        self.found = 0  # conversations that were chosen
        self._number = number
        self._leg = leg
        self._users = users
        self._session = ""

    def wants(self, conversation: Conversation) -> bool:
        """Is it chosen? To be asked once for each, in their order."""
        chosen = self._is_chosen(conversation)
        self.found += chosen
        return chosen

    def _is_chosen(self, conversation: Conversation) -> bool:
        named = self._number == conversation.number
        if named:
            self._session = conversation.session
        elif self._number is not None and not (self._session and conversation.session == self._session):
            return False
        return self._has_leg(conversation, named) and (self._users is None or self._users.have(conversation))

    def _has_leg(self, conversation: Conversation, named: bool) -> bool:
        if self._leg is None:
            return named if self._number is not None else conversation.leg != "server"
        return self._leg == "both" or conversation.leg in ("", self._leg)


class Users:
    """The conversations of one user, from a first pass over the file."""

    def __init__(self, user: str, items: Iterable[Item] = ()) -> None:
        """Raises what ``items`` raises."""
        self.read_any = False
        self._user = user
        self._theirs = _Told()
        self._others = _Told()
        self._broken = False
        self.read(items)

    def read(self, items: Iterable[Item]) -> None:
        """Items of the file. Raises what ``items`` raises: then those of unknown users are taken, too."""
        self._broken = True
        for item in items:
            self.read_any = True
            users = _users_of(item)
            if self._user in users:
                self._theirs.add(item.conversation)
            elif users:
                self._others.add(item.conversation)
        self._broken = False

    def have(self, conversation: Conversation) -> bool:
        """Is it one of the user's, or the other leg of one?"""
        return conversation in self._theirs or (self._broken and conversation not in self._others)


class _Told:
    """Conversations, and the other legs of them."""

    def __init__(self) -> None:
        self._numbers: set[int] = set()
        self._sessions: set[str] = set()

    def add(self, conversation: Conversation) -> None:
        self._numbers.add(conversation.number)
        if conversation.session:
            self._sessions.add(conversation.session)

    def __contains__(self, conversation: Conversation) -> bool:
        return conversation.number in self._numbers or conversation.session in self._sessions


def _users_of(item: Item) -> tuple[str, ...]:
    if isinstance(item, Ended):
        return (item.user,)
    if isinstance(item, Remarked) and item.remark.word in ("login", "login_failed", "end"):
        return (str(item.remark.fields.get("user", "")),)
    return ()
