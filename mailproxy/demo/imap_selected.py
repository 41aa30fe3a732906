"""A selected mailbox as one IMAP session sees it (RFC 9051 §6.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailproxy.demo import imap_fetch, imap_search
from mailproxy.demo.imap_words import Malformed, Word, atom, ranges, text
from mailproxy.demo.mailbox import DELETED, SEEN, Mailbox, Message

Numbered = tuple[int, Message]


class Selected:
    """Message numbers stay as the client knows them until :meth:`news` tells it otherwise."""

    def __init__(self, mailbox: Mailbox, read_only: bool) -> None:
        self.mailbox = mailbox
        self.read_only = read_only
        self.view = list(mailbox.messages)
        self._told = {message: frozenset(message.flags) for message in self.view}

    def news(self) -> bytes:
        """EXPUNGE, EXISTS and FETCH lines for what changed since the last time."""
        lines: list[bytes] = []
        kept = set(self.mailbox.messages)
        for number in range(len(self.view), 0, -1):
            if self.view[number - 1] not in kept:
                del self._told[self.view.pop(number - 1)]
                lines.append(b"* %d EXPUNGE\r\n" % number)
        fresh = [message for message in self.mailbox.messages if message not in self._told]
        if fresh:
            self.view += fresh
            self._told |= {message: frozenset(message.flags) for message in fresh}
            lines.append(b"* %d EXISTS\r\n" % len(self.view))
        for number, message in enumerate(self.view, 1):
            if self._told[message] != message.flags:
                lines.append(self._flags(number, message, ["FLAGS"]))
        return b"".join(lines)

    def pick(self, numbers: Word, by_uid: bool) -> list[Numbered]:
        """The messages of a set. A uid that is gone is no error, a number that never was is."""
        largest = max((message.uid for message in self.view), default=0) if by_uid else len(self.view)
        parts = ranges(numbers, largest)
        if not by_uid and any(part.start < 1 or part.stop - 1 > len(self.view) for part in parts):
            raise Malformed("no message has that number")
        return [
            (number, message)
            for number, message in enumerate(self.view, 1)
            if any((message.uid if by_uid else number) in part for part in parts)
        ]

    def fetch(self, arguments: Sequence[Word], by_uid: bool) -> Iterator[bytes]:
        """The replies to FETCH, one message at a time."""
        numbers, what = arguments
        names = imap_fetch.items(what)
        if by_uid and "UID" not in map(str.upper, names):
            names = ["UID", *names]
        for number, message in self.pick(numbers, by_uid):
            extra = []
            if imap_fetch.marks_seen(names) and SEEN not in message.flags and not self.read_only:
                message.flags.add(SEEN)
                self._told[message] = frozenset(message.flags)
                self.mailbox.touch()
                extra = [] if "FLAGS" in map(str.upper, names) else ["FLAGS"]
            yield imap_fetch.response(number, message, [*names, *extra])

    def store(self, arguments: Sequence[Word], by_uid: bool) -> bytes:
        """Change flags; the replies to STORE."""
        numbers, action, *rest = arguments
        given = rest[0] if len(rest) == 1 and isinstance(rest[0], list) else rest
        flags = {flag_name(flag) for flag in given}
        mode, _, silent = atom(action).partition(".")
        replies = []
        for number, message in self.pick(numbers, by_uid):
            match mode:
                case "+FLAGS":
                    message.flags |= flags
                case "-FLAGS":
                    message.flags -= flags
                case "FLAGS":
                    message.flags = set(flags)
                case _:
                    raise Malformed("STORE takes FLAGS, +FLAGS or -FLAGS")
            line = self._flags(number, message, ["UID", "FLAGS"] if by_uid else ["FLAGS"])
            replies.append(b"" if silent == "SILENT" else line)
        self.mailbox.touch()
        return b"".join(replies)

    def search(self, keys: Sequence[Word], by_uid: bool) -> bytes:
        """The reply to SEARCH."""
        found = imap_search.search(keys, list(enumerate(self.view, 1)))
        numbers = (message.uid if by_uid else number for number, message in found)
        return b"* SEARCH" + b"".join(b" %d" % number for number in numbers) + b"\r\n"

    def expunge(self, uids: Word | None = None) -> None:
        """Remove what is marked \\Deleted; of these uids only, if given."""
        chosen = self.view if uids is None else [message for _, message in self.pick(uids, True)]
        self.mailbox.remove([message for message in chosen if DELETED in message.flags])

    def copy(self, picked: Sequence[Numbered], target: Mailbox) -> bytes:
        """Copy, and give the COPYUID code with its trailing blank (RFC 4315 §3)."""
        copies = [target.append(each.octets, each.flags, each.arrived) for _, each in picked]
        if not copies:
            return b""
        old = ",".join(str(message.uid) for _, message in picked)
        new = ",".join(str(message.uid) for message in copies)
        return f"[COPYUID {target.uid_validity} {old} {new}] ".encode()

    def _flags(self, number: int, message: Message, names: list[str]) -> bytes:
        self._told[message] = frozenset(message.flags)
        return imap_fetch.response(number, message, names)


def flag_name(word: Word) -> str:
    """The flag as this server stores it: system flags are case-insensitive (RFC 9051 §2.3.2)."""
    name = text(word)
    return "\\" + name[1:].capitalize() if name.startswith("\\") else name
