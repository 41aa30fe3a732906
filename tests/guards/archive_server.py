"""An IMAP server with one mailbox of whole messages, for the dialogues that archive."""

from __future__ import annotations

import re
from collections.abc import Callable

CAPABILITIES = "IMAP4REV1 UIDPLUS UNSELECT"
DATE = "17-Jul-1996 02:44:25 -0700"
DELETED = "\\Deleted"


class ArchiveServer:
    """``messages``: UID → flags and text. ``answers`` are for lines that match a pattern, before all else;
    such an answer is untagged responses and a status line, or a function that gives them."""

    def __init__(self, messages: dict[int, tuple[str, bytes]], capabilities: str = CAPABILITIES) -> None:
        self.messages = dict(messages)
        self.capabilities = capabilities
        self.validity = 77
        self.answers: dict[str, tuple[list[bytes], bytes] | Callable[[], tuple[list[bytes], bytes]]] = {}
        self.heard: list[str] = []

    def __call__(self, line: bytes) -> tuple[list[bytes], bytes]:
        text = line.decode()
        self.heard.append(text)
        for pattern, answer in self.answers.items():
            if re.fullmatch(pattern, text):
                return answer() if callable(answer) else answer
        untagged, status = self._said(text)
        return [each + b"\r\n" for each in untagged], status

    def marked(self) -> list[int]:
        return [uid for uid, (flags, _) in self.messages.items() if DELETED in flags]

    def forwarded(self, line: bytes) -> None:
        """A command of the client goes upstream after the dialogue."""
        words = line.decode().split(" ", 1)[1].strip()
        if words.upper().startswith("UID EXPUNGE"):
            self._expunge(words.split()[-1])
        else:
            assert words == "UNSELECT", words

    def _said(self, text: str) -> tuple[list[bytes], bytes]:
        if text == "CAPABILITY":
            return [b"* CAPABILITY " + self.capabilities.encode()], b"OK"
        if match := re.fullmatch(r"UID FETCH (\S+) \(UID FLAGS\)", text):
            return [self._flags(uid) for uid in self._in(match[1])], b"OK"
        if text == 'STATUS "INBOX" (UIDVALIDITY)':
            return [b'* STATUS "INBOX" (UIDVALIDITY %d)' % self.validity], b"OK"
        if match := re.fullmatch(r"UID SEARCH (?:UID (\S+) )?DELETED", text):
            among = self._in(match[1]) if match[1] else list(self.messages)
            found = [str(uid) for uid in among if uid in self.marked()]
            return [" ".join(["* SEARCH", *found]).encode()], b"OK"
        if match := re.fullmatch(r"UID FETCH (\S+) \(UID FLAGS INTERNALDATE RFC822.SIZE\)", text):
            return [self._about(uid) for uid in self._in(match[1])], b"OK"
        if match := re.fullmatch(r"UID FETCH (\d+) \(UID BODY.PEEK\[\]\)", text):
            return [self._body(uid) for uid in self._in(match[1])], b"OK"
        if match := re.fullmatch(r"UID EXPUNGE (\S+)", text):
            return self._expunge(match[1]), b"OK"
        if text == 'EXAMINE "INBOX"':
            return [], b"OK [READ-ONLY] done"
        raise AssertionError(text)

    def _about(self, uid: int) -> bytes:
        flags, octets = self.messages[uid]
        about = f'(UID {uid} FLAGS ({flags}) INTERNALDATE "{DATE}" RFC822.SIZE {len(octets)})'
        return f"* {self._number(uid)} FETCH {about}".encode()

    def _flags(self, uid: int) -> bytes:
        return f"* {self._number(uid)} FETCH (UID {uid} FLAGS ({self.messages[uid][0]}))".encode()

    def _body(self, uid: int) -> bytes:
        octets = self.messages[uid][1]
        return b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)" % (self._number(uid), uid, len(octets), octets)

    def _expunge(self, uids: str) -> list[bytes]:
        said = []
        for uid in self._in(uids):
            if uid in self.marked():
                said.append(b"* %d EXPUNGE" % self._number(uid))
                del self.messages[uid]
        return said

    def _number(self, uid: int) -> int:
        return sorted(self.messages).index(uid) + 1

    def _in(self, text: str) -> list[int]:
        chosen: set[int] = set()
        for part in text.split(","):
            low, _, high = part.partition(":")
            last = max(self.messages, default=0) if high == "*" else int(high or low)
            chosen |= {uid for uid in self.messages if int(low) <= uid <= last}
        return sorted(chosen)
