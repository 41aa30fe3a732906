"""A POP3 server out of a recording (RFC 1939, 2449, 2595, 5034)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mailproxy.player.login import MECHANISMS, Attempt, Challenge, Gate, Outcome, fresh_timestamp, name_of
from mailproxy.player.pieces import Piece, Source, joined
from mailproxy.player.pop3_maildrop import Answer, Drop, Maildrop, Top
from mailproxy.player.recorded import greeting_of, is_answered, server_turns
from mailproxy.player.script import Script
from mailproxy.player.terms import Choose, Memory, Notes, Passwords, Tls, shown
from mailproxy.proto.inbox import Inbox, LineTooLong
from mailproxy.proto.pop3_verbs import VERBS

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Recording

_LINE = 12_288  # octets of a line; a SASL response may be longer than a command
_TIMESTAMP = re.compile(rb"<[^<>@\r\n]+@([^<>\r\n]+)>")
_TEMPORARY = b"-ERR [SYS/TEMP] this is not in the capture\r\n"
_NO_SUCH = b"-ERR no such message\r\n"
_LOGINS = ("USER", "PASS", "APOP", "AUTH")
_NUMBER = re.compile(rb"[0-9]{1,9}")


class Pop3Player:
    """See :class:`~mailproxy.player.terms.Player`."""

    def __init__(
        self,
        recording: Recording,
        *,
        password: Passwords | None = None,
        tls: Tls = "none",
        memory: Memory | None = None,
        choose: Choose | None = None,
    ) -> None:
        self.closed = False
        self.wants_tls = False
        self.notes = Notes()
        self.user = ""
        self._gate = Gate(password)
        self.tls = tls
        self._secure = tls == "implicit"
        self._memory = memory if memory is not None else Memory()
        self._choose = choose
        self._inbox = Inbox()
        self._skipping = False
        self._timestamp = b""
        self._asked: str | None = None  # the name given with USER
        self._attempt: Attempt | None = None
        self._logged_in = False
        self._last_login = "PASS"
        self._marked: set[Drop] = set()
        self._load(recording)

    def _load(self, recording: Recording) -> None:
        self._recording = recording
        self._drop = Maildrop(recording)
        self._script: Script[Answer] = Script()
        self._login_answers: dict[str, bytes] = {}
        self._capabilities: list[bytes] | None = None
        for exchange in recording.exchanges:
            if exchange.command is None or not is_answered(exchange):
                continue
            verb, args = exchange.command.verb, exchange.command.args
            source = Source(server_turns(exchange))
            answer = Answer(source.line(), source.rest())
            if verb in _LOGINS:
                lines = [answer.head, *joined([answer.body]).splitlines(keepends=True)]
                if lines[-1][:3] == b"+OK" and (verb != "AUTH" or args):
                    self._login_answers.setdefault(verb, lines[-1])
            elif verb == "CAPA" and answer.positive:
                self._capabilities = joined([answer.body]).splitlines(keepends=True)[:-1]
            self._script.add((verb, args), answer)
        self._box: list[Drop] = []

    # -- the conversation ---------------------------------------------------------------

    def greet(self) -> list[Piece]:
        greeting = greeting_of(self._recording) or b"+OK ready\r\n"
        found = _TIMESTAMP.search(greeting)
        if found:
            self._timestamp = fresh_timestamp(found[1].decode("latin-1"))
            greeting = greeting[: found.start()] + self._timestamp + greeting[found.end() :]
        self.closed = greeting[:3] != b"+OK"
        return [greeting]

    def receive(self, data: bytes) -> list[Piece]:
        self.feed(data)
        said: list[Piece] = []
        while (answer := self.answer()) is not None:
            said += answer
        return said

    def feed(self, data: bytes) -> None:
        if data and not self.closed:
            self._inbox.feed(data)

    def answer(self) -> list[Piece] | None:
        if self.closed or self.wants_tls:
            return None
        if self._skipping:
            if self._inbox.skip_line() is None:
                return None
            self._skipping = False
            return [b"-ERR the line is too long\r\n"]
        try:
            line = self._inbox.line(_LINE)
        except LineTooLong:
            self._skipping, self._attempt = True, None
            return self.answer()
        if line is None:
            return None
        line = line.rstrip(b"\r\n")
        return self._response(self._attempt, line) if self._attempt else self._command(line)

    def secured(self) -> None:
        self.wants_tls, self._secure = False, True
        self._inbox = Inbox()  # what came in clear behind STLS counts for nothing (RFC 2595 §4)
        self._asked = None

    def _command(self, line: bytes) -> list[Piece]:
        word, _, args = line.partition(b" ")
        verb = word.upper().decode("ascii", "replace")
        if verb == "QUIT":
            return self._quit()
        before: dict[str, Callable[[bytes], list[Piece]]] = {
            "USER": self._user,
            "PASS": self._pass,
            "APOP": self._apop,
            "AUTH": self._auth,
            "STLS": self._stls,
        }
        if verb == "CAPA":
            return self._capa()
        if verb in before:
            return [b"-ERR already logged in\r\n"] if self._logged_in else before[verb](args)
        inside: dict[str, Callable[[bytes], list[Piece]]] = {
            "STAT": self._stat,
            "LIST": lambda args: self._list("LIST", args),
            "UIDL": lambda args: self._list("UIDL", args),
            "RETR": self._retr,
            "TOP": self._top,
            "DELE": self._dele,
            "RSET": self._rset,
        }
        if verb in inside:
            return inside[verb](args.strip()) if self._logged_in else [b"-ERR log in first\r\n"]
        return self._other(verb, args)

    def _other(self, verb: str, args: bytes) -> list[Piece]:
        answer = self._script.take((verb, args))
        if answer is not None:
            return answer.pieces
        self._made_up(verb, args)
        return [b"+OK\r\n" if verb == "NOOP" else b"-ERR this command is not in the capture\r\n"]

    def _made_up(self, verb: str, args: bytes = b"", what: str = "") -> None:
        self.notes.say(f"{shown(verb, args, VERBS)}: {what or 'not in the capture'}")

    # -- before the login ---------------------------------------------------------------

    def _capa(self) -> list[Piece]:
        if self._capabilities is None:
            if "CAPA" in self._drop.refused:
                return [self._drop.refused["CAPA"]]
            self._made_up("CAPA")
        offered = self._capabilities or [b"TOP\r\n", b"UIDL\r\n", b"USER\r\n"]
        lines: list[bytes] = []
        for line in offered:
            words = line.split()
            name = words[0].upper() if words else b""
            if name == b"SASL":
                playable = [word for word in words[1:] if word.decode("latin-1").upper() in MECHANISMS]
                line = b" ".join([b"SASL", *(playable or [b"PLAIN"])]) + b"\r\n"
            if name and name != b"STLS":
                lines.append(line)
        if self.tls == "starttls" and not self._secure:
            lines.append(b"STLS\r\n")
        elif not any(line.split()[0].upper() in (b"USER", b"SASL") for line in lines):
            lines.append(b"USER\r\n")  # the capture's list may be the one before STLS
        return [b"+OK\r\n" + b"".join(lines) + b".\r\n"]

    def _stls(self, args: bytes) -> list[Piece]:
        if self.tls != "starttls" or self._secure:
            return [b"-ERR no TLS here\r\n"]
        self.wants_tls = True
        return [b"+OK begin TLS\r\n"]

    def _user(self, args: bytes) -> list[Piece]:
        self._asked = name_of(args)
        return [self._login_answers.get("USER", b"+OK\r\n")]

    def _pass(self, args: bytes) -> list[Piece]:
        asked, self._asked = self._asked, None
        if asked is None:
            return [b"-ERR USER first\r\n"]
        return self._came("PASS", Outcome(asked, self._gate.admits(asked, args)))

    def _apop(self, args: bytes) -> list[Piece]:
        name, blank, digest = args.rpartition(b" ")
        if not self._timestamp or not blank:
            return [b"-ERR APOP is not offered, or lacks an argument\r\n"]
        user = name_of(name)
        return self._came("APOP", Outcome(user, self._gate.admits_apop(user, self._timestamp, digest)))

    def _auth(self, args: bytes) -> list[Piece]:
        if not args:
            return [b"+OK\r\n" + b"".join(f"{name}\r\n".encode() for name in MECHANISMS) + b".\r\n"]
        mechanism, blank, initial = args.partition(b" ")
        try:
            self._attempt = Attempt(mechanism.upper().decode("latin-1"), self._gate)
        except ValueError as error:
            return [f"-ERR {error}\r\n".encode()]
        return self._step(self._attempt.start(initial if blank else None))

    def _response(self, attempt: Attempt, line: bytes) -> list[Piece]:
        if line == b"*":
            self._attempt = None
            return [b"-ERR given up\r\n"]
        return self._step(attempt.respond(line))

    def _step(self, step: Challenge | Outcome) -> list[Piece]:
        if isinstance(step, Challenge):
            return [b"+ " + step.text + b"\r\n"]
        self._attempt = None
        if step.malformed:
            return [b"-ERR this is no response of that mechanism\r\n"]
        return self._came("AUTH", step)

    def _came(self, verb: str, outcome: Outcome) -> list[Piece]:
        if not outcome.admitted:
            return [b"-ERR [AUTH] wrong user or password\r\n"]
        refused = next((self._drop.refused[each] for each in _LOGINS if each in self._drop.refused), b"")
        if not self._login_answers.keys() - {"USER"} and refused:
            return [refused]  # nobody got in when this was captured
        self.user = outcome.user
        other = self._choose(outcome.user) if self._choose else None
        if other is not None and other is not self._recording:
            self._load(other)
        self._logged_in = True
        self._box = [
            message
            for message in self._drop.messages.values()
            if self._key(message) not in self._memory.removed
        ]
        return [self._login_answers.get(verb, b"+OK logged in\r\n")]

    # -- the maildrop -------------------------------------------------------------------

    def _key(self, message: Drop) -> tuple[str, bytes]:
        return self._recording.login, message.uidl

    @property
    def _as_recorded(self) -> bool:
        """Have the messages the numbers of the recording?"""
        return len(self._box) == len(self._drop.messages)

    def _visible(self) -> list[tuple[int, Drop]]:
        return [(n, message) for n, message in enumerate(self._box, 1) if message not in self._marked]

    def _numbered(self, args: bytes) -> Drop | None:
        number = int(args) if _NUMBER.fullmatch(args) else 0
        if not 0 < number <= len(self._box) or self._box[number - 1] in self._marked:
            return None
        return self._box[number - 1]

    def _no_such(self, verb: str, args: bytes) -> list[Piece]:
        answer = self._script.take((verb, args), lambda each: not each.positive)
        return [_NO_SUCH if answer is None else answer.head]

    def _stat(self, args: bytes) -> list[Piece]:
        if "STAT" in self._drop.refused:
            return [self._drop.refused["STAT"]]
        visible = self._visible()
        numbers = b"+OK %d %d" % (len(visible), sum(message.size or 0 for _, message in visible))
        answer = self._script.take(("STAT", args), lambda each: each.head.split()[:3] == numbers.split())
        if answer is None and ("STAT", args) not in self._script:
            self._made_up("STAT", args, "counted from what the capture says of the messages")
        return [answer.head if answer is not None else numbers + b"\r\n"]

    def _list(self, verb: str, args: bytes) -> list[Piece]:
        if verb in self._drop.refused:
            return [self._drop.refused[verb]]
        if args:
            message = self._numbered(args)
            self._explain(verb, args, [message] if message else [])
            if message is None:
                return self._no_such(verb, args)
            return [b"+OK %d %b\r\n" % (int(args), self._value(verb, message))]
        visible = self._visible()
        self._explain(verb, args, [message for _, message in visible])
        lines = [b"%d %b\r\n" % (number, self._value(verb, message)) for number, message in visible]
        same = self._as_recorded and len(visible) == len(self._box)
        head = self._drop.heads.get(verb, b"+OK\r\n") if same else b"+OK\r\n"
        return [head, b"".join([*lines, b".\r\n"])]

    def _value(self, verb: str, message: Drop) -> bytes:
        return message.uidl if verb == "UIDL" else b"%d" % (message.size or 0)

    def _explain(self, verb: str, args: bytes, messages: list[Drop]) -> None:
        if verb == "UIDL" and any(message.uidl_made_up for message in messages):
            self._made_up(verb, args, "not all of these UIDLs are in the capture, they were made up")
        elif (verb, args) not in self._script:
            self._made_up(verb, args, "made from what the capture says of the messages")

    def _retr(self, args: bytes) -> list[Piece]:
        message = self._numbered(args)
        if message is None:
            return self._no_such("RETR", args)
        answer = message.next("RETR")
        if answer is None:
            self._made_up("RETR", args)
            return [_TEMPORARY]
        return answer.pieces

    def _top(self, args: bytes) -> list[Piece]:
        number, _, lines = args.partition(b" ")
        message = self._numbered(number)
        if message is None:
            return self._no_such("TOP", args)
        if not _NUMBER.fullmatch(lines):
            return [b"-ERR TOP takes a message and a number of lines\r\n"]
        answer = message.next("TOP", int(lines))
        if answer is not None:
            return answer.pieces
        if "TOP" in self._drop.refused:
            return [self._drop.refused["TOP"]]
        text = message.text(int(lines))
        self._made_up("TOP", args, "not in the capture" if text is None else "cut out of the message")
        return [_TEMPORARY] if text is None else [b"+OK\r\n", Top(text, int(lines))]

    def _dele(self, args: bytes) -> list[Piece]:
        message = self._numbered(args)
        if message is None:
            return self._no_such("DELE", args)
        answer = message.next("DELE")
        if answer is None:
            self._made_up("DELE", args, "the message is removed here")
        if answer is None or answer.positive:
            self._marked.add(message)
        return [b"+OK marked\r\n" if answer is None else answer.head]

    def _rset(self, args: bytes) -> list[Piece]:
        self._marked.clear()
        answer = self._script.take(("RSET", args))
        return [answer.head if answer is not None else b"+OK\r\n"]

    def _quit(self) -> list[Piece]:
        self.closed = True
        if self._logged_in:  # a connection that just ends removes nothing (RFC 1939 §6)
            self._memory.removed |= {self._key(message) for message in self._marked}
        answer = self._script.take(("QUIT", b""))
        return [answer.head if answer is not None else b"+OK bye\r\n"]
