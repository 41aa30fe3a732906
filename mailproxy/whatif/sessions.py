"""The sessions of a capture, whole, in the order in which they began.

They are read in batches of so many octets, each in a pass of its own over the file, so that memory does not
grow with the file. Large bodies lie on the disk anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Conversation, FileTally, Item, Remarked, Said, conversations
from mailproxy.capture.exchanges import Recording, collect
from mailproxy.capture.model import CaptureError
from mailproxy.capture.parts import Kind
from mailproxy.proto.tokens import Side

BATCH = 64 * 1024 * 1024  # octets of conversations that are held at once
_KEPT = frozenset({"tls", "starttls", "login", "login_failed"})


@dataclass(slots=True)
class Margin:
    """What stands beside a conversation: the proxy's ``remarks`` with the times of their packets.

    ``missing`` counts the octets of the client that are not in the capture, by exchange.
    """

    remarks: list[tuple[float, Remark]] = field(default_factory=list)
    missing: dict[int, int] = field(default_factory=dict)

    def of(self, *words: str) -> Iterator[tuple[float, Remark]]:
        """The remarks that begin with one of these words."""
        return ((time, remark) for time, remark in self.remarks if remark.word in words)


@dataclass(slots=True)
class CapturedSession:
    """A session: what was said with the mail program, and with the server where a proxy stood between.

    In captures of others there is one conversation, which is ``client``.
    """

    client: Recording
    server: Recording | None = None
    margin: Margin = field(default_factory=Margin)

    @property
    def conversation(self) -> Conversation:
        return self.client.conversation


def captured_sessions(
    path: Path,
    store: BodyStore,
    tally: FileTally | None = None,
    progress: Callable[[int], None] | None = None,
    batch: int = BATCH,
) -> Iterator[CapturedSession]:
    """Read a file; ``tally`` and ``progress`` are those of :mod:`~mailproxy.capture.conversations`.

    Raises:
        CaptureError: the file cannot be read as a capture, or not any further; what could be comes first.
    """
    done: set[int] = set()
    while True:
        one = _Batch(done, batch)
        yield from one.read(conversations(path, tally, progress), store)
        if one.error is not None:
            raise one.error
        if not one.more:
            return
        tally = None  # it has counted all of the file


class _Batch:
    """The sessions of one pass."""

    def __init__(self, done: set[int], limit: int) -> None:
        self.more = False
        self.error: CaptureError | None = None
        self._done = done
        self._room = limit
        self._margins: dict[int, Margin] = {}
        self._sessions: set[str] = set()

    def read(self, items: Iterable[Item], store: BodyStore) -> list[CapturedSession]:
        legs: dict[str, list[Recording]] = {}
        sessions: list[CapturedSession] = []
        for recording in collect(self._noted(items), store, self._wanted):
            conversation = recording.conversation
            if not conversation.leg:
                sessions.append(self._session(recording))
                continue
            others = legs.setdefault(conversation.session, [])
            # Either leg may be the first of which anything was said.
            if others and others[0].conversation.leg != conversation.leg:
                other = others.pop(0)
                pair = (recording, other) if conversation.leg == "client" else (other, recording)
                sessions.append(self._session(*pair))
            else:
                others.append(recording)
        sessions += [self._session(recording) for alone in legs.values() for recording in alone]
        return sorted(sessions, key=lambda session: session.conversation.started)

    def _session(self, client: Recording, server: Recording | None = None) -> CapturedSession:
        return CapturedSession(client, server, self._margins[client.conversation.number])

    def _wanted(self, conversation: Conversation) -> bool:
        if conversation.number in self._done:
            return False
        if self._room <= 0 and conversation.session not in self._sessions:
            self.more = True
            return False
        self._done.add(conversation.number)
        self._margins[conversation.number] = Margin()
        if conversation.session:
            self._sessions.add(conversation.session)
        return True

    def _noted(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items; what a recording does not hold is written down as they pass."""
        try:
            for item in items:
                margin = self._margins.get(item.conversation.number)
                if margin is not None:
                    self._note(item, margin)
                yield item
        except CaptureError as error:
            self.error = error

    def _note(self, item: Item, margin: Margin) -> None:
        if isinstance(item, Remarked):
            if item.remark.word in _KEPT:
                margin.remarks.append((item.time, item.remark))
        elif isinstance(item, Said):
            part = item.part
            self._room -= len(part.data)
            if part.kind is Kind.GAP and part.side is Side.CLIENT:
                margin.missing[part.exchange] = margin.missing.get(part.exchange, 0) + part.octets
