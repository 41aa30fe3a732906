"""Drives a dialect as a session would that forwards whatever it is not told to refuse."""

from __future__ import annotations

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import GREETING, Cut, Dialect, Say, Slot
from mailproxy.proto.tokens import Chunk, Command, Reply, Side

GUARD = Policy(guard=True, starttls=False, login=True)
OBSERVE = Policy(guard=False, starttls=False, login=True)

Token = Command | Chunk | Say | Cut | Reply


class Driver:
    """``to_server`` and ``to_client`` are all octets that went there; a ``deaf`` one reads no more."""

    def __init__(self, dialect: Dialect, refused: str = "") -> None:
        self.dialect = dialect
        self.to_server = b""
        self.to_client = b""
        self._refused = frozenset(refused.split(","))
        self.deaf = False
        self._open: Reply | None = None  # its chunks still come
        dialect.slots.append(Slot(Command(GREETING, b""), 0))

    def client(self, data: bytes) -> list[Token]:
        """The tokens of what the client says; each is acted on before the next is pulled."""
        self.dialect.inboxes[Side.CLIENT].feed(data)
        tokens: list[Token] = []
        while not self.deaf and (token := self.dialect.client()) is not None:
            tokens.append(token)
            if isinstance(token, Command):
                self._command(token)
            elif isinstance(token, Chunk):
                self.to_server += token.data
            elif isinstance(token, Say):
                self._say(token)
            else:
                self.to_server += token.last
                self.to_client += token.answer
                self.deaf = bool(token.answer)
        return tokens

    def _command(self, command: Command) -> None:
        if command.verb in self._refused:
            self.dialect.refused(command)
        else:
            self.to_server += self.dialect.forwarded(command)
            self.dialect.slots.append(Slot(command, 0))

    def _say(self, say: Say) -> None:
        if say.side is Side.SERVER:
            self.to_server += say.data
        else:
            self.to_client += say.data

    def server(self, data: bytes) -> list[Token]:
        """The tokens of what the server says; a final reply ends its command."""
        self.dialect.inboxes[Side.SERVER].feed(data)
        tokens: list[Token] = []
        while (token := self.dialect.server()) is not None:
            tokens.append(token)
            if isinstance(token, Say):
                self._say(token)
                continue
            self.to_client += token.data
            if isinstance(token, Reply):
                self._open = token
            whole = not token.more if isinstance(token, Reply) else token.end
            if whole and self._open is not None:
                self._over(self._open)
        return tokens

    def _over(self, reply: Reply) -> None:
        self._open = None
        slot = self.dialect.slot_of(reply) if reply.final else None
        if slot is not None:
            self.dialect.slots.remove(slot)
            self.dialect.answered(slot, reply)

    def talk(self, text: str) -> Driver:
        """``C: …`` and ``S: …`` lines, each sent with CRLF."""
        for line in text.strip().splitlines():
            side, _, said = line.strip().partition(": ")
            octets = said.encode() + b"\r\n"
            if side == "C":
                self.client(octets)
            else:
                assert side == "S", line
                self.server(octets)
        return self


def told(tokens: list[Token]) -> list[object]:
    """Tokens in short, for comparing: a command as its verb, or its flaw; octets as they are."""
    return [_told(token) for token in tokens]


def _told(token: Token) -> object:
    if isinstance(token, Command):
        return token.flaw or token.verb
    if isinstance(token, Cut):
        return token.answer, token.why
    if isinstance(token, Say):
        return token.side, token.data
    if isinstance(token, Chunk):
        return (token.data, "end") if token.end else token.data
    return token.status, token.data
