"""An SMTP server out of a recording (RFC 5321, 2920, 3030, 3207, 4954). What is sent to it is thrown away."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from mailproxy.player.login import MECHANISMS, Attempt, Challenge, Gate, Outcome
from mailproxy.player.pieces import Piece
from mailproxy.player.recorded import greeting_of
from mailproxy.player.script import Script
from mailproxy.player.smtp_replies import Reply, key_of, replies_of
from mailproxy.player.terms import Choose, Memory, Notes, Passwords, Tls, shown
from mailproxy.proto.bodies import DotScanner, Found
from mailproxy.proto.inbox import Inbox, LineTooLong
from mailproxy.proto.smtp_args import bdat_size
from mailproxy.proto.smtp_verbs import VERBS
from mailproxy.proto.tokens import BadArguments

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Recording

_LINE = 12_288  # octets; RFC 4954 §4 for SASL responses, commands are shorter
_NOT_PLAYED = frozenset({b"STARTTLS", b"XCLIENT", b"XFORWARD", b"BURL", b"AUTH"})
_AUTH = re.compile(rb"AUTH[ =](.*)", re.I)
_MADE_UP = {
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "RSET": b"250 2.0.0 ok\r\n",
    "NOOP": b"250 2.0.0 ok\r\n",
    "HELP": b"214 2.0.0 this server is played from a capture\r\n",
    "VRFY": b"252 2.1.5 not in the capture\r\n",
    "EXPN": b"502 5.5.1 not in the capture\r\n",
    "HELO": b"250 localhost\r\n",
    "EHLO": b"250 localhost\r\n",
}


_NO_MAIL = b"503 5.5.1 MAIL and RCPT first\r\n"


class _State(Enum):
    LINE = 0
    SASL = 1
    DATA = 2
    CHUNK = 3
    SKIP = 4  # the rest of a line that is too long


class SmtpPlayer:
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
        self._choose = choose
        self._inbox = Inbox()
        self._state = _State.LINE
        self._attempt: Attempt | None = None
        self._scanner = DotScanner()
        self._left = 0  # octets of a BDAT chunk still to come
        self._after = b""  # the reply to what is being swallowed
        self._greeted = False
        self._mail = False
        self._recipients = 0
        self._load(recording)

    def _load(self, recording: Recording) -> None:
        self._recording = recording
        self._script: Script[list[Reply]] = Script()
        self._last: dict[str, Reply] = {}
        self._hello: dict[str, list[Reply]] = {"EHLO": [], "HELO": []}
        self._admitted = b""
        self._refused = b""
        for exchange in recording.exchanges:
            replies = replies_of(exchange)
            if exchange.command is None or not replies:
                continue
            verb = exchange.command.verb
            self._script.add(key_of(verb, exchange.command.args), replies)
            if verb in ("MAIL", "RCPT", "BDAT"):
                self._last[verb] = replies[-1]
            elif verb in self._hello:
                self._hello[verb].append(replies[-1])
            elif verb == "AUTH" and replies[-1].code == b"235":
                self._admitted = replies[-1].octets
            elif verb == "AUTH":
                self._refused = replies[-1].octets

    # -- the conversation ---------------------------------------------------------------

    def greet(self) -> list[Piece]:
        greeting = greeting_of(self._recording) or b"220 localhost ESMTP\r\n"
        self.closed = greeting[:3] == b"421"  # after 554 a server still waits for QUIT (RFC 5321 §3.1)
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
        match self._state:
            case _State.DATA:
                said = self._swallow_message()
            case _State.CHUNK:
                said = self._swallow_chunk()
            case _State.SKIP:
                said = self._skip()
            case _:
                said = self._line()
        if said is None:
            return None
        self.closed = self.closed or said[:4] in (b"421 ", b"421-")
        return [said] if said else []

    def secured(self) -> None:
        self.wants_tls, self._secure = False, True
        self._inbox = Inbox()  # what came in clear behind STARTTLS counts for nothing (RFC 3207 §6)
        self._greeted = False
        self._reset()

    def _skip(self) -> bytes | None:
        if self._inbox.skip_line() is None:
            return None
        self._state = _State.LINE
        return b"500 5.5.2 the line is too long\r\n"

    def _line(self) -> bytes | None:
        try:
            line = self._inbox.line(_LINE)
        except LineTooLong:
            self._state, self._attempt = _State.SKIP, None
            return self._skip()
        if line is None:
            return None
        line = line.rstrip(b"\r\n")
        if self._attempt is not None:
            return self._response(self._attempt, line)
        word, _, args = line.partition(b" ")
        return self._command(word.upper().decode("ascii", "replace"), args)

    def _command(self, verb: str, args: bytes) -> bytes:
        special: dict[str, Callable[[bytes], bytes]] = {
            "EHLO": lambda args: self._ehlo("EHLO", args),
            "HELO": lambda args: self._ehlo("HELO", args),
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail_from,
            "RCPT": self._rcpt_to,
            "DATA": self._data,
            "BDAT": self._bdat,
            "QUIT": self._quit,
        }
        if verb in special:
            return special[verb](args)
        if verb == "RSET":
            self._reset()
        replies = self._script.take(key_of(verb, args))
        if replies is not None:
            return replies[-1].octets
        self._made_up(verb, args)
        return _MADE_UP.get(verb, b"502 5.5.1 not in the capture\r\n")

    def _made_up(self, verb: str, args: bytes = b"", what: str = "") -> None:
        self.notes.say(f"{shown(verb, args, VERBS)}: {what or 'not in the capture'}")

    def _reset(self) -> None:
        self._mail, self._recipients = False, 0

    # -- the session --------------------------------------------------------------------

    def _ehlo(self, verb: str, args: bytes) -> bytes:
        self._greeted = True
        self._reset()
        recorded = self._hello[verb]
        good = [reply for reply in recorded if reply.code == b"250"]
        if recorded and not good:
            return recorded[-1].octets
        if not good:
            self._made_up(verb)
        if verb == "HELO" or not good:
            return good[-1].octets if good else _MADE_UP[verb]
        in_clear = self.tls == "starttls" and not self._secure
        lines = [line[4:] for line in (good[0] if in_clear else good[-1]).octets.splitlines()]
        kept = [lines[0], *(line for line in lines[1:] if _keyword(line) not in _NOT_PLAYED)]
        offered = next((found[1] for found in map(_AUTH.match, lines[1:]) if found), None)
        if offered is None and (self._admitted or self._refused) and not in_clear:
            offered = b""
        if offered is not None:
            playable = [each for each in offered.split() if each.upper().decode("latin-1") in MECHANISMS]
            kept.append(b"AUTH " + b" ".join(playable or [b"PLAIN", b"LOGIN"]))
        if in_clear:
            kept.append(b"STARTTLS")
        marks = [b"250-"] * (len(kept) - 1) + [b"250 "]
        return b"".join(mark + line + b"\r\n" for mark, line in zip(marks, kept, strict=True))

    def _starttls(self, args: bytes) -> bytes:
        if self.tls != "starttls" or self._secure:
            return b"502 5.5.1 no TLS here\r\n"
        self.wants_tls = True
        return b"220 2.0.0 begin TLS\r\n"

    def _auth(self, args: bytes) -> bytes:
        if self.user or self._mail:
            return b"503 5.5.1 not now\r\n"
        mechanism, blank, initial = args.partition(b" ")
        try:
            attempt = Attempt(mechanism.upper().decode("latin-1"), self._gate)
        except ValueError as error:
            return f"504 5.5.4 {error}\r\n".encode()
        self._attempt = attempt
        return self._step(attempt.start(initial if blank else None))

    def _response(self, attempt: Attempt, line: bytes) -> bytes:
        if line == b"*":
            self._attempt = None
            return b"501 5.7.0 given up\r\n"
        return self._step(attempt.respond(line))

    def _step(self, step: Challenge | Outcome) -> bytes:
        if isinstance(step, Challenge):
            return b"334 " + step.text + b"\r\n"
        self._attempt = None
        if step.malformed:
            return b"501 5.5.2 this is no response of that mechanism\r\n"
        if not step.admitted:
            return b"535 5.7.8 wrong user or password\r\n"
        if self._refused and not self._admitted:
            return self._refused  # nobody got in when this was captured
        self.user = step.user
        other = self._choose(step.user) if self._choose else None
        if other is not None and other is not self._recording:
            self._load(other)
        return self._admitted or b"235 2.7.0 logged in\r\n"

    def _quit(self, args: bytes) -> bytes:
        self.closed = True
        replies = self._script.take(key_of("QUIT", args))
        return replies[-1].octets if replies is not None else b"221 2.0.0 bye\r\n"

    # -- the mail transaction -----------------------------------------------------------

    def _mail_from(self, args: bytes) -> bytes:
        if self._mail:
            return self._out_of_order("MAIL", args, b"503 5.5.1 one sender at a time\r\n")
        reply = self._reply("MAIL", args)
        self._mail = reply[:1] == b"2"
        return reply

    def _rcpt_to(self, args: bytes) -> bytes:
        if not self._mail:
            return self._out_of_order("RCPT", args, b"503 5.5.1 MAIL first\r\n")
        reply = self._reply("RCPT", args)
        self._recipients += reply[:1] == b"2"
        return reply

    def _reply(self, verb: str, args: bytes) -> bytes:
        """That of the same address, else the last one of the verb."""
        if not args.upper().startswith((b"FROM:", b"TO:")):
            return b"501 5.5.4 an address is missing\r\n"
        replies = self._script.take(key_of(verb, args))
        if replies is not None:
            return replies[-1].octets
        last = self._last.get(verb)
        self._made_up(verb, args, "not in the capture" if last is None else "answered as another address was")
        return last.octets if last is not None else _MADE_UP[verb]

    def _out_of_order(self, verb: str, args: bytes, made_up: bytes) -> bytes:
        """The captured server's refusal, if there is one."""
        replies = self._script.take(key_of(verb, args), lambda each: each[0].code[:1] in (b"4", b"5"))
        return replies[-1].octets if replies is not None else made_up

    def _data(self, args: bytes) -> bytes:
        if not self._mail or not self._recipients:
            return self._out_of_order("DATA", b"", _NO_MAIL)
        self._reset()
        replies = self._script.take(("DATA", b""))
        if replies is None:
            self._made_up("DATA", b"", "the message is thrown away, and taken for sent")
            replies = [Reply(b"354", b"354 go on\r\n"), Reply(b"250", b"250 2.0.0 ok\r\n")]
        if replies[0].code != b"354":
            return replies[-1].octets
        self._state, self._scanner = _State.DATA, DotScanner()
        self._after = replies[-1].octets if len(replies) > 1 else b"250 2.0.0 ok\r\n"
        return replies[0].octets

    def _bdat(self, args: bytes) -> bytes:
        try:
            octets, last = bdat_size(args)
        except BadArguments as error:
            said = self._out_of_order("BDAT", args, b"")
            self.closed = not said  # nobody knows where the next command begins
            return said or f"501 5.5.4 {error}\r\n".encode()
        if not self._mail or not self._recipients:
            self._after = self._out_of_order("BDAT", args, _NO_MAIL)
        else:
            replies = self._script.take(("BDAT", b"LAST" if last else b""))
            reply = replies[-1] if replies is not None else self._last.get("BDAT")
            if reply is None:
                self._made_up("BDAT", args, "the message is thrown away, and taken for sent")
            self._after = reply.octets if reply is not None else b"250 2.0.0 ok\r\n"
        if last:
            self._reset()
        self._state, self._left = _State.CHUNK, octets
        return self._swallow_chunk() or b""

    def _swallow_message(self) -> bytes | None:
        data = self._inbox.take(len(self._inbox))
        if not data:
            return None
        found, at = self._scanner.scan(data)
        if found is Found.NOTHING:
            return None
        if at < len(data):
            self._inbox.feed(data[at:])
        self._state = _State.LINE
        return self._after

    def _swallow_chunk(self) -> bytes | None:
        self._left -= len(self._inbox.take(self._left)) if self._left else 0
        if self._left:
            return None
        self._state = _State.LINE
        return self._after


def _keyword(line: bytes) -> bytes:
    return re.split(rb"[ =]", line, maxsplit=1)[0].upper()
