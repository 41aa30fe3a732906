"""The server of a captured session: what it says to the commands that go upstream now.

A command that went upstream then is answered as it was. The others (changed by a rule, asked by a
guard, or refused then) are answered by a player, out of all that the capture says of the mailboxes. The
player hears everything, so that it knows where the session stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailproxy.capture.exchanges import Exchange, Turn
from mailproxy.capture.parts import GREETING_NUMBER, Kind
from mailproxy.player.pieces import Piece, joined
from mailproxy.player.player import player_of
from mailproxy.player.terms import Player
from mailproxy.proto.imap_literals import literal_at_end
from mailproxy.proto.tokens import Side
from mailproxy.session.screen import LOGINS
from mailproxy.whatif.outcome import Outcome
from mailproxy.whatif.server_leg import Key, ServerLeg, key_of
from mailproxy.whatif.sessions import CapturedSession
from mailproxy.whatif.steps import Step, replies, steps_of

_DIALOGUES = frozenset({"AUTH", "AUTHENTICATE", "IDLE"})
_WENT_ON = frozenset({"forward", "allow", "archive"})
_ONE_SIDED = "only the client's half is in the capture: it does not say what is in the mailbox"
_NOT_THERE = {"pop3": b"-ERR not in the capture\r\n", "imap": b" NO [CANNOT] not in the capture\r\n"}


class Answers:
    """Answers one session. What had to be made up goes into the notes of the ``outcome``."""

    def __init__(self, captured: CapturedSession, outcome: Outcome) -> None:
        recording = captured.server or captured.client
        self._protocol = captured.conversation.protocol
        self._outcome = outcome
        self._leg = ServerLeg(self._protocol, captured.server) if captured.server is not None else None
        self._player: Player = player_of(recording)
        self._player_greets = joined(self._player.greet())
        self._captured = captured
        answered = (exchange.number for exchange in captured.client.exchanges if exchange.status)
        self._last = max(answered, default=-1)
        self._source: Exchange | None = None  # where what the server says now was captured
        self._steps: list[Step] = []  # of it, those that were not said yet
        self._goes_on = False  # the captured client sent a literal
        self._tag = b""
        self._mute = False
        self._login = False
        self._asks = False
        turns = [turn for exchange in recording.exchanges for turn in exchange.turns]
        self._one_sided = not any(turn.side is Side.SERVER for turn in turns)
        if self._one_sided and turns:
            outcome.note(_ONE_SIDED)

    def greeting(self) -> Iterator[Piece]:
        """What the server says first."""
        for recording in (self._captured.server, self._captured.client):
            turns = [
                turn
                for exchange in (recording.exchanges if recording is not None else ())
                if exchange.number == GREETING_NUMBER
                for turn in exchange.turns
            ]
            if turns:
                yield from replies(turns, self._protocol, b"", b"", asks=True)
                return
        yield self._player_greets

    def logged_in(self, user: str) -> None:
        """The player lets the same user in, whichever way that was."""
        name = user.encode()
        if b"\r" in name or b"\n" in name:
            return
        if self._protocol == "pop3":
            self._player.receive(b"USER " + name + b"\r\nPASS x\r\n")
        elif self._protocol == "imap":
            quoted = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            self._player.receive(b'login LOGIN "' + quoted + b'" "x"\r\n')
        self._player.notes.clear()

    # -- what the session asks itself -----------------------------------------------------

    def own(self, line: bytes) -> Iterable[Piece]:
        """To a command of the session's own."""
        made = self._played(line)
        source = self._leg.take(key_of(self._protocol, line), own=True) if self._leg is not None else None
        if source is not None:
            self._player.notes.clear()
            tag = line.partition(b" ")[0]
            return [piece for step in steps_of(source) for piece in self._replies(source, step.server, tag)]
        if self._one_sided:
            self._player.notes.clear()
            tag = line.partition(b" ")[0] if self._protocol == "imap" else b""
            return [tag + _NOT_THERE[self._protocol]]
        self._say_notes()
        return made

    # -- what the client says -------------------------------------------------------------

    def begins(self, octets: bytes, exchange: Exchange | None) -> None:
        """A command of the client goes upstream, as these octets; it was captured as that exchange."""
        key = key_of(self._protocol, octets)
        self._source = self._source_of(key, exchange)
        self._steps = steps_of(self._source) if self._source is not None else []
        self._goes_on = any(turn.kind is Kind.DATA for step in self._steps for turn in step.client)
        self._tag = octets.partition(b" ")[0]
        self._login = key[0] in LOGINS or key[0] == "USER"
        self._asks = key[0] in _DIALOGUES
        # Where the capture breaks off, the server has said nothing to what was sent last.
        self._mute = self._source is None and exchange is not None and exchange.number > self._last >= 0

    def _source_of(self, key: Key, exchange: Exchange | None) -> Exchange | None:
        if self._leg is not None:
            return self._leg.take(key, own=False)
        if exchange is None or exchange.command is None or not exchange.status:
            return None
        then = exchange.verdict
        if then is not None and (then.get("verdict") not in _WENT_ON or then.get("status") == "local"):
            return None
        return exchange if key_of(self._protocol, exchange.command.line) == key else None

    def hears(self, octets: bytes, *, waits: bool) -> Iterable[Piece]:
        """Octets of the client's command; what is to be said at once.

        ``waits``: the session sends nothing more of the command unless it is asked to.
        """
        if self._source is None:
            if self._mute:
                return ()
            made = self._played(octets)
            self._say_notes()
            return made
        if not self._login:  # there the player needs no help, and takes fewer mechanisms
            self._played(octets)
            self._player.notes.clear()
        literal = self._protocol == "imap" and literal_at_end(octets[-64:]) is not None
        # The session may ask for a literal where the captured client did not wait.
        return (b"+ OK\r\n",) if literal and waits and self._goes_on and not self._asks else ()

    def next(self) -> list[Piece]:
        """To what the client has said up to here."""
        if self._source is None or not self._steps:
            return []
        return list(self._replies(self._source, self._steps.pop(0).server, self._tag))

    def rest(self) -> list[Piece]:
        """To all of the command."""
        said: list[Piece] = []
        while self._steps:
            said += self.next()
        self._source = None
        return said

    # -- helpers --------------------------------------------------------------------------

    def _replies(self, source: Exchange, turns: list[Turn], tag: bytes) -> Iterator[Piece]:
        old = source.command.tag if source.command is not None else b""
        return replies(turns, self._protocol, old, tag, asks=self._asks)

    def _played(self, octets: bytes) -> list[Piece]:
        self._player.feed(octets)
        said: list[Piece] = []
        while (answer := self._player.answer()) is not None:
            said += answer
        return said

    def _say_notes(self) -> None:
        for note in self._player.notes:
            self._outcome.note(note)
        self._player.notes.clear()
