"""A small IMAP server (RFC 3501 with some extensions) over mailboxes in memory. No TLS: for loopback."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from mailproxy.demo.imap_fetch import moment
from mailproxy.demo.imap_selected import Selected, flag_name
from mailproxy.demo.imap_words import Malformed, Word, atom, literal_at_end, quoted, text, words
from mailproxy.demo.lines import Ended, Lines, decoded
from mailproxy.demo.mailbox import INBOX, SEEN, Account, Mailbox

CAPABILITIES = (
    *("IMAP4rev1", "LITERAL+", "SASL-IR", "AUTH=PLAIN", "IDLE", "NAMESPACE"),
    *("UNSELECT", "UIDPLUS", "MOVE"),
)
_FLAGS = rb"(\Answered \Deleted \Draft \Flagged \Seen)"
_LARGEST = 64 * 1024 * 1024
_QUIET = {"FETCH", "STORE", "SEARCH"}  # no EXPUNGE may be told in their replies (RFC 9051 §7.5.1)

_Handler = Callable[[list[Word]], Awaitable[bytes]]


class _No(Exception):
    """The command is right, and cannot be done."""


class ImapServer:
    """Serves one account; an instance is a handler for :func:`trio.serve_tcp`.

    ``received`` is told every command as it was read: literals included, passwords included.
    """

    def __init__(
        self,
        account: Account,
        *,
        capabilities: tuple[str, ...] = CAPABILITIES,
        received: Callable[[bytes], None] = lambda line: None,
    ) -> None:
        self.account = account
        self.capabilities = capabilities
        self.received = received

    async def __call__(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until LOGOUT or its end."""
        try:
            await _Session(self, Lines(stream)).run()
        except Ended:
            pass
        finally:
            await trio.aclose_forcefully(stream)


class _Session:
    def __init__(self, server: ImapServer, lines: Lines) -> None:
        self.server = server
        self.account = server.account
        self.lines = lines
        self.logged_in = False
        self.box: Selected | None = None
        self.open = True

    async def run(self) -> None:
        await self.lines.send(b"* OK [CAPABILITY %s] ready\r\n" % self._capabilities())
        while self.open:
            segments = await self._command()
            tag, _, rest = segments[0].partition(b" ")
            verb = rest.split(b" ")[0].upper().decode("ascii", "replace")
            try:
                given = words([rest, *segments[1:]])[1:]
                if verb == "UID" and given:
                    verb = f"UID {atom(given.pop(0))}"
                reply = await self._handle(verb, given)
            except _No as error:
                reply = f"NO {error}".encode()
            except Malformed as error:
                reply = f"BAD {error}".encode()
            except (ValueError, IndexError):  # from unpacking: too few or too many
                reply = b"BAD these are not the arguments it takes"
            news = b"" if self.box is None or verb in _QUIET else self.box.news()
            await self.lines.send(news, tag or b"*", b" ", reply, b"\r\n")

    async def _command(self) -> list[bytes]:
        segments: list[bytes] = []
        while True:
            line = await self.lines.line()
            found = literal_at_end(line)
            if found is None:
                segments.append(line)
                self.server.received(b"".join(segments))
                return segments
            before, size, waits = found
            if size > _LARGEST:
                await self.lines.send(b"* BYE [TOOBIG] that literal is too large\r\n")
                raise Ended
            if waits:
                await self.lines.send(b"+ go on\r\n")
            segments += [before, await self.lines.exactly(size)]

    async def _handle(self, verb: str, given: list[Word]) -> bytes:
        handler = self._handlers().get(verb)
        if handler is not None:
            return await handler(given)
        return b"BAD " + (b"not now, or not known: " + verb.encode() if verb else b"no command")

    def _handlers(self) -> dict[str, _Handler]:
        found: dict[str, _Handler] = {
            "CAPABILITY": self._capability,
            "NOOP": self._noop,
            "LOGOUT": self._logout,
        }
        if not self.logged_in:
            return found | {"LOGIN": self._login, "AUTHENTICATE": self._authenticate}
        found |= {
            "SELECT": lambda given: self._select(given, read_only=False),
            "EXAMINE": lambda given: self._select(given, read_only=True),
            "LIST": lambda given: self._list(given, b"LIST"),
            "LSUB": lambda given: self._list(given, b"LSUB"),
            "NAMESPACE": self._namespace,
            "STATUS": self._status,
            "CREATE": self._create,
            "SUBSCRIBE": self._noop,
            "UNSUBSCRIBE": self._noop,
            "APPEND": self._append,
            "IDLE": self._idle,
        }
        if self.box is None:
            return found
        found |= {"CHECK": self._noop, "CLOSE": self._close, "UNSELECT": self._unselect}
        found |= {"EXPUNGE": self._expunge, "UID EXPUNGE": self._expunge}
        for prefix, by_uid in (("", False), ("UID ", True)):
            found |= {
                prefix + "FETCH": self._with(self._fetch, by_uid),
                prefix + "STORE": self._with(self._store, by_uid),
                prefix + "SEARCH": self._with(self._search, by_uid),
                prefix + "COPY": self._with(self._copy, by_uid),
                prefix + "MOVE": self._with(self._move, by_uid),
            }
        return found

    def _with(
        self, method: Callable[[Selected, list[Word], bool], Awaitable[bytes]], by_uid: bool
    ) -> _Handler:
        box = self._selected()
        return lambda given: method(box, given, by_uid)

    def _selected(self) -> Selected:
        if self.box is None:
            raise _No("no mailbox is selected")
        return self.box

    def _writable(self) -> Selected:
        if (box := self._selected()).read_only:
            raise _No("[READ-ONLY] this mailbox was opened with EXAMINE")
        return box

    # Any state

    def _capabilities(self) -> bytes:
        return " ".join(self.server.capabilities).encode()

    async def _capability(self, given: list[Word]) -> bytes:
        await self.lines.send(b"* CAPABILITY ", self._capabilities(), b"\r\n")
        return b"OK done"

    async def _noop(self, given: list[Word]) -> bytes:
        return b"OK done"

    async def _logout(self, given: list[Word]) -> bytes:
        await self.lines.send(b"* BYE see you\r\n")
        self.open, self.box = False, None
        return b"OK done"

    # Before the login

    async def _login(self, given: list[Word]) -> bytes:
        user, password = given
        return self._admit(self.account.admits(text(user).encode(), text(password).encode()))

    async def _authenticate(self, given: list[Word]) -> bytes:
        if atom(given[0]) != "PLAIN":
            raise _No("only PLAIN is offered")
        if len(given) > 1:
            response = decoded(text(given[1]).encode())
        else:
            await self.lines.send(b"+ \r\n")
            response = decoded(await self.lines.line())
        return self._admit(response is not None and self.account.admits_plain(response))

    def _admit(self, admitted: bool) -> bytes:
        if not admitted:
            raise _No("[AUTHENTICATIONFAILED] wrong user or password")
        self.logged_in = True
        return b"OK [CAPABILITY %s] logged in" % self._capabilities()

    # Mailboxes

    def _mailbox(self, name: Word) -> Mailbox:
        if (found := self.account.find(text(name))) is None:
            raise _No("[TRYCREATE] no such mailbox")
        return found

    async def _select(self, given: list[Word], read_only: bool) -> bytes:
        self.box = None  # a SELECT that fails leaves nothing selected (RFC 9051 §6.3.2)
        mailbox = self._mailbox(given[0])
        self.box = Selected(mailbox, read_only)
        permanent = b"()" if read_only else _FLAGS
        await self.lines.send(
            b"* FLAGS %s\r\n* %d EXISTS\r\n* 0 RECENT\r\n" % (_FLAGS, len(mailbox.messages)),
            b"* OK [PERMANENTFLAGS %s] these are kept\r\n" % permanent,
            b"* OK [UIDVALIDITY %d] uids hold\r\n" % mailbox.uid_validity,
            b"* OK [UIDNEXT %d] the next uid\r\n" % mailbox.uid_next,
        )
        return b"OK [READ-ONLY] selected" if read_only else b"OK [READ-WRITE] selected"

    async def _list(self, given: list[Word], kind: bytes) -> bytes:
        pattern = text(given[0]) + text(given[1])
        if pattern == "":
            await self.lines.send(b'* %s (\\Noselect) "/" ""\r\n' % kind)
            return b"OK done"
        escaped = re.escape(pattern).replace(r"\*", ".*").replace("%", "[^/]*")
        for name in self.account.mailboxes:
            if re.fullmatch(escaped, name, re.IGNORECASE if name == INBOX else re.NOFLAG):
                await self.lines.send(b'* %s (\\HasNoChildren) "/" %s\r\n' % (kind, quoted(name)))
        return b"OK done"

    async def _namespace(self, given: list[Word]) -> bytes:
        await self.lines.send(b'* NAMESPACE (("" "/")) NIL NIL\r\n')
        return b"OK done"

    async def _status(self, given: list[Word]) -> bytes:
        mailbox, asked = self._mailbox(given[0]), given[1]
        known = {
            "MESSAGES": len(mailbox.messages),
            "RECENT": 0,
            "UIDNEXT": mailbox.uid_next,
            "UIDVALIDITY": mailbox.uid_validity,
            "UNSEEN": sum(SEEN not in message.flags for message in mailbox.messages),
        }
        names = [atom(item) for item in (asked if isinstance(asked, list) else [asked])]
        if unknown := set(names) - set(known):
            raise Malformed(f"unknown: {', '.join(sorted(unknown))}")
        values = " ".join(f"{name} {known[name]}" for name in names)
        await self.lines.send(b"* STATUS %s (%s)\r\n" % (quoted(text(given[0])), values.encode()))
        return b"OK done"

    async def _create(self, given: list[Word]) -> bytes:
        if self.account.find(text(given[0])) is not None:
            raise _No("[ALREADYEXISTS] there is one of that name")
        self.account.create(text(given[0]).rstrip("/"))
        return b"OK done"

    async def _append(self, given: list[Word]) -> bytes:
        name, *options, octets = given
        if isinstance(octets, list):
            raise Malformed("the message is missing")
        flags = [flag_name(flag) for option in options if isinstance(option, list) for flag in option]
        dates = [moment(text(option)) for option in options if isinstance(option, bytes)]
        mailbox = self._mailbox(name)
        message = mailbox.append(octets, flags, dates[0] if dates else None)
        return b"OK [APPENDUID %d %d] done" % (mailbox.uid_validity, message.uid)

    async def _idle(self, given: list[Word]) -> bytes:
        await self.lines.send(b"+ idling\r\n")
        done: bytes | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell)
            with suppress(Ended):
                done = await self.lines.line()
            nursery.cancel_scope.cancel()
        if done is None:
            raise Ended
        return b"OK done" if done.upper() == b"DONE" else b"BAD only DONE ends IDLE"

    async def _tell(self) -> None:
        with suppress(Ended):  # whoever reads the lines sees the end, too
            await self._tell_news()

    async def _tell_news(self) -> None:
        while self.box is not None:
            if news := self.box.news():
                with trio.CancelScope(shield=True):  # half a line would spoil what follows
                    await self.lines.send(news)
            else:
                await self.box.mailbox.wait_changed()

    # Messages

    async def _fetch(self, box: Selected, given: list[Word], by_uid: bool) -> bytes:
        for reply in box.fetch(given, by_uid):
            await self.lines.send(reply)
        return b"OK done"

    async def _store(self, box: Selected, given: list[Word], by_uid: bool) -> bytes:
        await self.lines.send(self._writable().store(given, by_uid))
        return b"OK done"

    async def _search(self, box: Selected, given: list[Word], by_uid: bool) -> bytes:
        await self.lines.send(box.search(given, by_uid))
        return b"OK done"

    async def _copy(self, box: Selected, given: list[Word], by_uid: bool) -> bytes:
        numbers, target = given
        return b"OK %sdone" % box.copy(box.pick(numbers, by_uid), self._mailbox(target))

    async def _move(self, box: Selected, given: list[Word], by_uid: bool) -> bytes:
        numbers, target = given
        picked = self._writable().pick(numbers, by_uid)
        code = box.copy(picked, self._mailbox(target))
        await self.lines.send(b"* OK %smoved\r\n" % code)  # before the EXPUNGEs (RFC 6851 §4.3)
        box.mailbox.remove([message for _, message in picked])
        return b"OK done"

    async def _expunge(self, given: list[Word]) -> bytes:
        self._writable().expunge(given[0] if given else None)
        return b"OK done"

    async def _close(self, given: list[Word]) -> bytes:
        box = self._selected()
        if not box.read_only:
            box.expunge()
        self.box = None  # what CLOSE removes, it removes silently (RFC 9051 §6.4.1)
        return b"OK done"

    async def _unselect(self, given: list[Word]) -> bytes:
        self.box = None
        return b"OK done"
