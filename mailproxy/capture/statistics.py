"""What the conversations of captures have in common, summed up while they pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Began, Conversation, Ended, Item, Remarked, Said
from mailproxy.capture.histogram import Histogram
from mailproxy.capture.message_count import MessageCount
from mailproxy.capture.pairing import Pairing
from mailproxy.capture.parts import GREETING_NUMBER, Kind, Part
from mailproxy.capture.server_facts import ServerFacts
from mailproxy.proto.tokens import Side

UNKNOWN = "(unknown)"
OTHERS = "(others)"
_MOST = 1000  # servers, users, kinds of status: a hostile file may make up any number
_SAID = frozenset({Kind.REPLY, Kind.BODY})


@dataclass(slots=True)
class VerbTotal:
    """One verb of one protocol. ``octets`` are those of client and server; ``wait`` runs from the
    command's last octet to the first of what answers it. ``unanswered`` commands have no final reply."""

    count: int = 0
    unanswered: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    octets: list[int] = field(default_factory=lambda: [0, 0])
    wait: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class Totals:
    """All of it: ``sessions`` and ``messages`` by protocol, ``logins`` and ``refused`` by user, ``verbs`` by
    protocol and verb, ``servers`` by protocol and address. ``missing``, ``unread`` and ``sealed`` are octets
    that are not in the capture, made no sense, or were TLS."""

    sessions: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    logins: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    verbs: dict[tuple[str, str], VerbTotal] = field(default_factory=dict)
    servers: dict[tuple[str, str], ServerFacts] = field(default_factory=dict)
    missing: int = 0
    unread: int = 0
    sealed: int = 0


class Statistics:
    """Takes what files say.

    Of a session of the proxy the client's leg is counted, and the server's where that is not there;
    what servers say of themselves is taken from both.
    """

    def __init__(self) -> None:
        self.totals = Totals()
        self._open: dict[int, _Open] = {}
        self._pairing = Pairing()

    def take(self, items: Iterable[Item]) -> None:
        """All items of one file. Raises what ``items`` raises."""
        try:
            for item in items:
                self._item(item)
        finally:
            for opened in self._open.values():  # the file could not be read to its end
                opened.ended("")
            self._open.clear()
            self._pairing = Pairing()

    def _item(self, item: Item) -> None:
        number = item.conversation.number
        if isinstance(item, Said):
            self._open[number].said(item.part)
        elif isinstance(item, Began):
            self._began(item.conversation)
        elif isinstance(item, Remarked):
            self._open[number].remarked(item.remark)
        else:
            self._ended(item)

    def _began(self, conversation: Conversation) -> None:
        self._pairing.began(conversation)
        counted = not self._pairing.stands_behind(conversation)
        self._open[conversation.number] = _Open(self.totals, conversation, counted)

    def _ended(self, item: Ended) -> None:
        self._open.pop(item.conversation.number).ended(item.user)
        self._pairing.ended(item.conversation)


class _Asked:
    """A command that waits for its final reply."""

    __slots__ = ("answered", "at", "status", "total", "verb")

    def __init__(self, verb: str, total: VerbTotal, at: float) -> None:
        self.verb = verb
        self.total = total
        self.at = at
        self.answered = False
        self.status = ""


class _Open:
    """A conversation that goes on."""

    def __init__(self, totals: Totals, conversation: Conversation, counted: bool) -> None:
        self._totals = totals
        self._protocol = conversation.protocol
        self._counted = counted
        self._asked: dict[int, _Asked] = {}  # as many as a follower leaves unanswered, at most
        self._messages = MessageCount(conversation.protocol)
        self._said_login = False
        place = (conversation.protocol, conversation.stream.server)
        if place not in totals.servers and len(totals.servers) >= _MOST:
            place = (conversation.protocol, OTHERS)
        self._server = totals.servers.setdefault(place, ServerFacts(conversation.protocol))
        if counted:
            totals.sessions[conversation.protocol] += 1

    def said(self, part: Part) -> None:
        if part.kind is Kind.COMMAND:
            self._asked[part.exchange] = self._asked_now(part)
        asked = self._asked.get(part.exchange)
        if part.side is Side.SERVER and part.kind in _SAID:
            verb = asked.verb if asked is not None else ""
            self._server.said(part, verb, greeting=part.exchange == GREETING_NUMBER)
        if self._counted:
            self._count(part, asked)
        if part.ends:
            self._asked.pop(part.exchange, None)

    def _asked_now(self, part: Part) -> _Asked:
        command = part.command
        verb = command.verb if command is not None and command.spec is not None else UNKNOWN
        if not self._counted:
            return _Asked(verb, VerbTotal(), part.time)
        total = self._totals.verbs.setdefault((self._protocol, verb), VerbTotal())
        total.count += 1
        return _Asked(verb, total, part.time)

    def _count(self, part: Part, asked: _Asked | None) -> None:
        if part.kind is Kind.COMMAND or part.kind is Kind.REPLY or part.ends:
            self._messages.said(part)
        elif part.kind is Kind.GAP:
            self._totals.missing += part.octets
        elif part.kind is Kind.UNREAD:
            self._totals.unread += part.octets
        elif part.kind is Kind.TLS:
            self._totals.sealed += part.octets
        if asked is None or part.kind is Kind.GAP:
            return
        asked.total.octets[part.side] += part.octets
        if part.side is Side.CLIENT:
            return
        if not asked.answered:
            asked.answered = True
            asked.total.wait.add(part.time - asked.at)
        asked.status = part.status or asked.status
        if part.ends:
            add(asked.total.statuses, asked.status)

    def remarked(self, remark: Remark) -> None:
        if not self._counted:
            return
        user = str(remark.fields.get("user", ""))
        if remark.word == "verdict":
            verdict = str(remark.fields.get("verdict", ""))
            if verdict not in ("", "forward"):
                add(self._totals.verdicts, verdict)
        elif remark.word == "login":
            self._said_login = True
            add(self._totals.logins, user)
        elif remark.word == "login_failed":
            add(self._totals.refused, user)

    def ended(self, user: str) -> None:
        if not self._counted:
            return
        for asked in self._asked.values():
            asked.total.unanswered += 1
        self._totals.messages[self._protocol] += self._messages.messages
        if user and not self._said_login:
            add(self._totals.logins, user)


def add(counter: Counter[str], name: str) -> None:
    """Counts ``name``, or when there are too many names, one for all others."""
    counter[name if name in counter or len(counter) < _MOST else OTHERS] += 1
