"""An IMAP server out of a recording (RFC 3501, 9051)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mailproxy.player.imap_mailboxes import derived_list, derived_open, derived_status
from mailproxy.player.imap_offers import Offers
from mailproxy.player.imap_reader import CommandReader, Line, Request, Saying
from mailproxy.player.imap_search import NotKnown
from mailproxy.player.imap_selected import NOT_ALL, Selected
from mailproxy.player.imap_words import key_of, mailbox_of, words
from mailproxy.player.imap_world import Played, World
from mailproxy.player.login import Attempt, Challenge, Gate, Outcome, name_of
from mailproxy.player.pieces import Piece
from mailproxy.player.recorded import greeting_of
from mailproxy.player.terms import Choose, Memory, Notes, Passwords, Tls, shown
from mailproxy.proto.imap_args import login_arguments
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.tokens import BadArguments

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Recording

_CANNOT = b"NO [CANNOT] not in the capture\r\n"
_DONE = b"OK done\r\n"
_FAILED = b"NO [AUTHENTICATIONFAILED] wrong user or password\r\n"
_LOGIN_FIRST = b"BAD log in first\r\n"
_NOTHING = b"BAD no mailbox is selected\r\n"
_HARMLESS = frozenset({"NOOP", "CHECK", "SUBSCRIBE", "UNSUBSCRIBE", "CREATE"})
_CODE = re.compile(rb"\[CAPABILITY [^\]\r\n]*\] ?", re.I)


class ImapPlayer:
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
        self._reader = CommandReader()
        self._attempt: Attempt | None = None
        self._waiting: tuple[bytes, bytes] = b"", b""  # the tag of AUTHENTICATE or IDLE, and what ends IDLE
        self._logged_in = False
        self._selected: Selected | None = None
        self._load(recording)

    def _load(self, recording: Recording) -> None:
        self._recording = recording
        self._world = World(recording)
        self._offers = Offers(self._world, self.tls)
        if self._world.cut:
            self.notes.say(f"{self._world.cut} octets of messages are not in the capture: lines of hyphens")

    # -- the conversation ---------------------------------------------------------------

    def greet(self) -> list[Piece]:
        greeting = greeting_of(self._recording) or b"* OK ready\r\n"
        self._logged_in = greeting[:9].upper() == b"* PREAUTH"
        self.closed = greeting[:5].upper() == b"* BYE"
        return [self._edited(greeting)]

    def receive(self, data: bytes) -> list[Piece]:
        self.feed(data)
        said: list[Piece] = []
        while (answer := self.answer()) is not None:
            said += answer
        return said

    def feed(self, data: bytes) -> None:
        if data and not self.closed:
            self._reader.feed(data)

    def answer(self) -> list[Piece] | None:
        if self.closed or self.wants_tls:
            return None
        match self._reader.next():
            case Saying(octets, close):
                self.closed = close
                return [octets]
            case Line(data):
                return self._line(data)
            case Request() as request:
                return self._command(request)
            case None:
                return None

    def secured(self) -> None:
        self.wants_tls, self._secure = False, True
        self._reader = CommandReader()  # what came in clear behind STARTTLS counts for nothing

    def _line(self, data: bytes) -> list[Piece]:
        self._reader.raw = False
        tag, final = self._waiting
        if self._attempt is None:
            return [tag + b" " + (final if data.upper() == b"DONE" else b"BAD only DONE ends IDLE\r\n")]
        if data == b"*":
            self._attempt = None
            return [tag + b" BAD given up\r\n"]
        return self._step(tag, self._attempt.respond(data))

    def _command(self, request: Request) -> list[Piece]:
        tag, verb, args = request.tag, request.verb, request.args
        any_time: dict[str, Callable[[bytes, bytes], list[Piece]]] = {
            "CAPABILITY": self._capability,
            "STARTTLS": self._starttls,
            "LOGIN": self._login,
            "AUTHENTICATE": self._authenticate,
            "LOGOUT": self._logout,
        }
        if verb in any_time:
            if self._logged_in and verb in ("STARTTLS", "LOGIN", "AUTHENTICATE"):
                return [tag + b" BAD already logged in\r\n"]
            return any_time[verb](tag, args)
        if not self._logged_in and verb not in ("NOOP", "ID"):
            return [tag + b" " + _LOGIN_FIRST]
        played = self._recorded(verb, args)
        return self._play(played, tag, args) if played is not None else self._derive(tag, verb, args)

    def _edited(self, line: bytes) -> bytes:
        """The line with the capabilities of this server instead of the captured one's."""
        if not _CODE.search(line):
            return line
        offered = self._offers.now(logged_in=self._logged_in, secure=self._secure)
        return _CODE.sub(lambda found: b"[CAPABILITY " + offered + b"] ", line, count=1)

    # -- before the login ---------------------------------------------------------------

    def _capability(self, tag: bytes, args: bytes) -> list[Piece]:
        offered = self._offers.now(logged_in=self._logged_in, secure=self._secure)
        return [b"* CAPABILITY " + offered + b"\r\n" + tag + b" OK done\r\n"]

    def _starttls(self, tag: bytes, args: bytes) -> list[Piece]:
        if self.tls != "starttls" or self._secure:
            return [tag + b" BAD no TLS here\r\n"]
        self.wants_tls = True
        return [tag + b" OK begin TLS\r\n"]

    def _login(self, tag: bytes, args: bytes) -> list[Piece]:
        said = words(args)
        try:
            user, _, _ = login_arguments(args)
        except BadArguments as error:
            return [tag + f" BAD {error}\r\n".encode()]
        return self._came(tag, "LOGIN", Outcome(user, self._gate.admits(name_of(said[0]), said[1])))

    def _authenticate(self, tag: bytes, args: bytes) -> list[Piece]:
        mechanism, blank, initial = args.partition(b" ")
        try:
            self._attempt = Attempt(mechanism.upper().decode("latin-1"), self._gate)
        except ValueError as error:
            return [tag + f" NO [CANNOT] {error}\r\n".encode()]
        return self._step(tag, self._attempt.start(initial if blank else None))

    def _step(self, tag: bytes, step: Challenge | Outcome) -> list[Piece]:
        if isinstance(step, Challenge):
            self._reader.raw, self._waiting = True, (tag, b"")
            return [b"+ " + step.text + b"\r\n"]
        self._attempt = None
        if step.malformed:
            return [tag + b" BAD this is no response of that mechanism\r\n"]
        return self._came(tag, "AUTHENTICATE", step)

    def _came(self, tag: bytes, verb: str, outcome: Outcome) -> list[Piece]:
        if not outcome.admitted:
            return [tag + b" " + _FAILED]
        if self._world.refused and not self._world.logins:
            return [tag + b" " + self._world.refused]  # nobody got in when this was captured
        other = self._choose(outcome.user) if self._choose else None
        if other is not None and other is not self._recording:
            self._load(other)
        self.user, self._logged_in = outcome.user, True
        logins = self._world.logins
        final = logins.get(verb) or next(iter(logins.values()), b"OK logged in\r\n")
        return [tag + b" " + self._edited(final)]

    def _logout(self, tag: bytes, args: bytes) -> list[Piece]:
        self.closed = True
        played = self._recorded("LOGOUT", args)
        if played is None or not any(response.name == b"BYE" for response in played.untagged):
            return [b"* BYE see you\r\n" + tag + b" OK done\r\n"]
        return [*(p for response in played.untagged for p in response.pieces), tag + b" " + played.final]

    # -- what the capture has -------------------------------------------------------------

    def _recorded(self, verb: str, args: bytes) -> Played | None:
        selected = self._selected

        def true_now(played: Played) -> bool:
            if verb in ("SELECT", "EXAMINE"):
                return not self._changed(mailbox_of(args))
            if verb == "STATUS":
                return not self._changed(mailbox_of(args))
            if selected is None:
                return not played.effects
            if verb in ("LIST", "LSUB", "NAMESPACE", "ID", "ENABLE", "LOGOUT") and not played.effects:
                return True
            return selected.fits(played.before, played.effects)

        return self._world.script.take(key_of(verb, args, selected.name if selected else ""), true_now)

    def _changed(self, mailbox: str) -> bool:
        """Did a client do anything to it that the capture does not have?"""
        memory = self._memory
        return any(name == mailbox for name, _ in (*memory.expunged, *memory.flags))

    def _play(self, played: Played, tag: bytes, args: bytes) -> list[Piece]:
        said: list[Piece] = [piece for response in played.untagged for piece in response.pieces]
        if played.verb in ("SELECT", "EXAMINE"):
            self._selected = None
            if played.good:
                read_only = played.verb == "EXAMINE" or b"[READ-ONLY]" in played.final.upper()
                self._selected = Selected(
                    mailbox_of(args), list(played.view), played.after, self._memory, read_only=read_only
                )
        elif played.verb in ("CLOSE", "UNSELECT") and played.good:
            self._selected = None
        elif self._selected is not None and played.effects:
            self._selected.follow(played.effects, played.after)
        if played.verb == "IDLE" and played.asks:
            self._reader.raw, self._waiting = True, (tag, played.final)
            return [played.asks, *said]
        return [*said, tag + b" " + self._edited(played.final)]

    # -- what it has not ------------------------------------------------------------------

    def _derive(self, tag: bytes, verb: str, args: bytes) -> list[Piece]:
        try:
            said, final = self._derived(tag, verb, args)
        except ValueError as error:
            said, final = [], f"BAD {error}\r\n".encode()
        except NotKnown:
            said, final = [], _CANNOT
        command = shown(verb, args, VERBS)
        if final in (_CANNOT, NOT_ALL):
            self.notes.say(f"{command}: not in the capture")
        elif final[:2] == b"OK" and verb not in _HARMLESS:
            self.notes.say(f"{command}: made from what the capture says")
        return [*said, tag + b" " + final] if final else said

    def _derived(self, tag: bytes, verb: str, args: bytes) -> tuple[list[Piece], bytes]:
        if verb in ("SELECT", "EXAMINE"):
            return self._open(verb, args)
        if verb in ("LIST", "LSUB", "XLIST"):
            return list(derived_list(self._world, verb, args)), _DONE
        if verb == "STATUS":
            return derived_status(self._world, args, self._memory), _DONE
        if verb == "NAMESPACE":
            return [b'* NAMESPACE (("" "/")) NIL NIL\r\n'], _DONE
        if verb == "ID":
            return [b"* ID NIL\r\n"], _DONE
        if verb == "ENABLE":
            return [b"* ENABLED\r\n"], _DONE
        if verb == "IDLE":
            self._reader.raw, self._waiting = True, (tag, _DONE)
            return [b"+ idling\r\n"], b""
        if verb == "APPEND":
            known = mailbox_of(args) in self._world.boxes or mailbox_of(args).encode() in self._world.lists
            return [], _DONE if known else b"NO [TRYCREATE] not in the capture\r\n"
        if verb in _HARMLESS:
            return [], _DONE
        return self._of_selected(tag, verb, args)

    def _of_selected(self, tag: bytes, verb: str, args: bytes) -> tuple[list[Piece], bytes]:
        by_uid = verb.startswith("UID ")
        name = verb.removeprefix("UID ")
        if name not in ("FETCH", "SEARCH", "STORE", "EXPUNGE", "CLOSE", "UNSELECT", "COPY", "MOVE"):
            return [], _CANNOT
        selected = self._selected
        if selected is None:
            return [], _NOTHING
        if selected.read_only and name in ("STORE", "EXPUNGE", "MOVE"):
            return [], b"NO [READ-ONLY] the mailbox was opened with EXAMINE\r\n"
        match name:
            case "FETCH":
                return selected.fetch(args, by_uid)
            case "SEARCH":
                return [selected.search(args, by_uid, tag)], _DONE
            case "STORE":
                return selected.store(args, by_uid), _DONE
            case "EXPUNGE":
                return selected.expunge(args if by_uid else None), _DONE
            case "MOVE":
                return selected.moved(args, by_uid), _DONE
            case "CLOSE" if not selected.read_only:
                selected.expunge()  # silently (RFC 9051 §6.4.1)
        if name != "COPY":
            self._selected = None
        return [], _DONE

    def _open(self, verb: str, args: bytes) -> tuple[list[Piece], bytes]:
        self._selected = None  # RFC 9051 §6.3.2: also when it fails
        name = mailbox_of(args)
        box = self._world.boxes.get(name)
        opened = [each for each in box.opened if each.good] if box else []
        empty = box is not None and box.status.get(b"MESSAGES") == b"0"
        if not opened and not empty:
            return [], _CANNOT
        read_only = verb == "EXAMINE"
        last = opened[-1] if opened else None
        self._selected = Selected(
            name,
            list(last.view) if last else [],
            last.after if last else 0,
            self._memory,
            read_only=read_only,
        )
        said = derived_open(last, self._selected)
        return said, b"OK [READ-ONLY] done\r\n" if read_only else b"OK [READ-WRITE] done\r\n"
