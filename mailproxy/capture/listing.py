"""One row for each mail session of a capture. Octets are counted where they stand, and never looked into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.message_count import MessageCount
from mailproxy.capture.pairing import Pairing
from mailproxy.capture.parts import Kind, Part

_LEAVING = frozenset({"QUIT", "LOGOUT"})
# On Python 3.11, to look up a member of an Enum takes as long as three calls: here it is done once.
_REPLY, _COMMAND, _BODY, _DATA = Kind.REPLY, Kind.COMMAND, Kind.BODY, Kind.DATA
_MOST_VERDICTS = 32  # kinds of them; there are eleven


@dataclass(slots=True)
class Row:
    """A session, or one leg of it. ``octets`` are those of client and server; it lasted ``seconds``.

    ``tls`` is ``implicit``, ``starttls``, or the version that the proxy has noted; empty without TLS.
    ``verdicts`` counts those that are not ``forward``. ``gaps`` are places where octets are missing,
    ``missing`` is how many. ``unread`` octets made no sense, or stood behind a gap; ``sealed`` were TLS.
    ``how`` is as in :class:`~mailproxy.capture.model.Closed`, ``left`` whether QUIT or LOGOUT was said.
    """

    conversation: Conversation
    user: str = ""
    refused: str = ""  # a user who was not let in
    tls: str = ""
    commands: int = 0
    messages: int = 0
    octets: list[int] = field(default_factory=lambda: [0, 0])
    seconds: float = 0.0
    how: str = ""
    left: bool = False
    verdicts: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
    missing: int = 0
    unread: int = 0
    sealed: int = 0


class Listing:
    """Takes what a file says, and gives a row for each session that is over.

    Both legs of a session of the proxy are one row, that of the client's leg; with ``legs`` each
    TCP connection has its own. Memory is bounded by the sessions that are open at the same time.
    """

    def __init__(self, *, legs: bool = False) -> None:
        self._legs = legs
        self._open: dict[int, _Open] = {}
        self._pairing = Pairing()

    def wants(self, conversation: Conversation) -> bool:
        """Whether its row, if it began now, might be given: the others need not be read."""
        return self._legs or not self._pairing.stands_behind(conversation)

    def rows(self, items: Iterable[Item]) -> Iterator[Row]:
        """The rows, in the order in which their sessions ended. Raises what ``items`` raises."""
        for item in items:
            if isinstance(item, Said):
                self._open[item.conversation.number].said(item.part)
            elif isinstance(item, Began):
                self._began(item.conversation)
            elif isinstance(item, Remarked):
                self._open[item.conversation.number].remarked(item.remark)
            else:
                yield from self._ended(item)

    def rest(self) -> Iterator[Row]:
        """Rows of the sessions that are still open, after a file could not be read to its end."""
        for number in list(self._open):
            conversation = self._open[number].row.conversation
            yield from self._ended(Ended(conversation, self._open[number].latest, "cut"))

    def _began(self, conversation: Conversation) -> None:
        self._pairing.began(conversation)
        opened = self._open[conversation.number] = _Open(conversation)
        opened.paired = self._pairing.stands_behind(conversation)

    def _ended(self, item: Ended) -> Iterator[Row]:
        opened = self._open.pop(item.conversation.number)
        row = opened.row
        row.how = item.how
        row.messages = opened.messages
        row.user = row.user or item.user
        # Where the file ends says nothing of when a session has ended.
        ended = opened.latest if item.how == "cut" else item.time
        row.seconds = max(0.0, ended - item.conversation.started)
        paired = opened.paired or self._pairing.stands_behind(item.conversation)
        self._pairing.ended(item.conversation)
        if self._legs or not paired:
            yield row


class _Open:
    """A conversation that goes on."""

    __slots__ = ("_count", "latest", "paired", "row")

    def __init__(self, conversation: Conversation) -> None:
        self.row = Row(conversation, tls="implicit" if conversation.tls else "")
        self.latest = conversation.started
        self.paired = False  # its row is that of the client's leg
        self._count = MessageCount(conversation.protocol)

    @property
    def messages(self) -> int:
        return self._count.messages

    def said(self, part: Part) -> None:
        row = self.row
        self.latest = part.time
        kind = part.kind
        if kind is _REPLY:
            self._count.said(part)
        elif kind is _COMMAND:
            row.commands += 1
            row.left = row.left or (part.command is not None and part.command.verb in _LEAVING)
            self._count.said(part)
        elif kind is _BODY or kind is _DATA:
            if part.ends:
                self._count.said(part)
        elif kind is Kind.GAP:
            row.gaps += 1
            row.missing += part.octets
            return
        elif kind is Kind.UNREAD:
            row.unread += part.octets
        elif kind is Kind.TLS:
            row.sealed += part.octets
        elif kind is Kind.STARTTLS:
            row.tls = row.tls or "starttls"
        row.octets[part.side] += part.octets

    def remarked(self, remark: Remark) -> None:
        row, fields = self.row, remark.fields
        if remark.word == "verdict":
            verdict = _text(fields, "verdict")
            if verdict not in ("", "forward") and (
                verdict in row.verdicts or len(row.verdicts) < _MOST_VERDICTS
            ):
                row.verdicts[verdict] += 1
        elif remark.word in ("login", "end"):
            row.user = _text(fields, "user") or row.user
        elif remark.word == "login_failed":
            row.refused = _text(fields, "user")
        elif remark.word == "tls" and _text(fields, "side") == row.conversation.leg:
            row.tls = _text(fields, "version") or row.tls
        elif remark.word == "starttls":
            row.tls = row.tls or "starttls"


def _text(fields: Any, name: str) -> str:
    """Anybody may have written the file: what is no text counts as absent."""
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""
