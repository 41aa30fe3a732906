"""A small IMAP server for the dialogues of guards: mailboxes of UIDs, and failures where they are wanted."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence

CAPABILITIES = "IMAP4rev1 MOVE UIDPLUS UNSELECT SPECIAL-USE LIST-EXTENDED NAMESPACE"
DELETED = r"\Deleted"

Flags = set[str]


class ImapServer:
    """One selected mailbox, ``INBOX``, and others.

    ``fails`` are the numbers of the commands, from 0, that are answered with ``reason``. Copies are kept in
    ``boxes``: mailbox → messages, each the text of the original and its flags.
    """

    def __init__(
        self,
        messages: dict[int, Flags],
        capabilities: str = CAPABILITIES,
        boxes: Sequence[str] = ("INBOX", "Trash"),
        fails: frozenset[int] = frozenset(),
        reason: str = "NO [UNAVAILABLE] not now",
        selected: str = "INBOX",
    ) -> None:
        self.capabilities = capabilities.upper().split()
        self.boxes: dict[str, list[tuple[int, Flags]]] = {name: [] for name in boxes}
        self.here = dict(messages)
        self.selected = selected
        self.read_only = False
        self.heard: list[str] = []
        self.lost: list[int] = []  # what went without a copy in the trash
        self.wild: list[str] = []  # EXPUNGE and CLOSE, that take what happens to be marked
        self._fails = fails
        self._reason = reason

    def __call__(self, line: bytes) -> Sequence[bytes]:
        text = line.decode()
        number = len(self.heard)
        self.heard.append(text)
        if number in self._fails:
            return [self._reason.encode()]
        for pattern, answer in _ANSWERS:
            match = re.fullmatch(pattern, text)
            if match:
                return [each.encode() for each in answer(self, match)]
        return [b"BAD what is that?"]

    def forwarded(self, line: bytes) -> None:
        """A command of the client that goes upstream after the dialogue."""
        verb = line.split(b" ", 1)[1].strip().decode()
        if verb in ("EXPUNGE", "CLOSE") and not self.read_only:
            self.wild.append(verb)

    @property
    def trashed(self) -> set[int]:
        return {uid for uid, _ in self.boxes.get("Trash", [])}

    # -- answers --------------------------------------------------------------------------

    def _capability(self, match: re.Match[str]) -> list[str]:
        return ["* CAPABILITY " + " ".join(self.capabilities), "OK"]

    def _list(self, match: re.Match[str]) -> list[str]:
        marks = {"Trash": r"\Trash"} if match[1] else {}
        return [*(f'* LIST ({marks.get(name, "")}) "/" "{name}"' for name in self.boxes), "OK"]

    def _search(self, match: re.Match[str]) -> list[str]:
        uids = self._in(match[1]) if match[1] else list(self.here)
        found = [str(uid) for uid in uids if DELETED in self.here[uid]]
        return [" ".join(["* SEARCH", *found]), "OK"]

    def _store(self, match: re.Match[str]) -> list[str]:
        for uid in self._in(match[1]):
            if match[2] == "+":
                self.here[uid].add(DELETED)
            else:
                self.here[uid].discard(DELETED)
        return ["OK"]

    def _copy(self, match: re.Match[str]) -> list[str]:
        if match[2] not in self.boxes:
            return ["NO [TRYCREATE] no such mailbox"]
        self.boxes[match[2]] += [(uid, set(self.here[uid])) for uid in self._in(match[1])]
        return ["OK [COPYUID 9 1 1] copied"]

    def _move(self, match: re.Match[str]) -> list[str]:
        if "MOVE" not in self.capabilities:
            return ["BAD unknown"]
        copied = self._copy(match)
        if copied[0].startswith("NO"):
            return copied
        return ["* OK [COPYUID 9 1 1] moved", *self._remove(self._in(match[1])), "OK [HIGHESTMODSEQ 77] Done"]

    def _expunge(self, match: re.Match[str]) -> list[str]:
        if "UIDPLUS" not in self.capabilities:
            return ["BAD unknown"]
        return [
            *self._remove([uid for uid in self._in(match[1]) if DELETED in self.here[uid]]),
            "OK [X] Done",
        ]

    def _remove(self, uids: Sequence[int]) -> list[str]:
        said, left, trashed = [], sorted(self.here), self.trashed
        for uid in uids:
            number = bisect_left(left, uid)
            said.append(f"* {number + 1} EXPUNGE")
            del left[number], self.here[uid]
        self.lost += (uid for uid in uids if uid not in trashed)
        return said

    def _create(self, match: re.Match[str]) -> list[str]:
        self.boxes.setdefault(match[1], [])
        return ["OK"]

    def _examine(self, match: re.Match[str]) -> list[str]:
        self.read_only = True
        return ["* 1 EXISTS", "OK [READ-ONLY] done"]

    def _fine(self, match: re.Match[str]) -> list[str]:
        return ["OK"]

    def _namespace(self, match: re.Match[str]) -> list[str]:
        return ['* NAMESPACE (("" "/")) NIL NIL', "OK"]

    def _fetch(self, match: re.Match[str]) -> list[str]:
        uids = sorted(self.here)
        number = int(match[1])
        return [f"* {number} FETCH (UID {uids[number - 1]})", "OK"] if number <= len(uids) else ["BAD no"]

    def _in(self, text: str) -> list[int]:
        chosen = set()
        for part in text.split(","):
            low, _, high = part.partition(":")
            last = max(self.here, default=0)
            ends = [last if end == "*" else int(end) for end in (low, high or low)]
            chosen |= {uid for uid in self.here if min(ends) <= uid <= max(ends)}
        return sorted(chosen)


_ANSWERS: list[tuple[str, Callable[[ImapServer, re.Match[str]], list[str]]]] = [
    ("CAPABILITY", ImapServer._capability),
    (r'LIST "" "\*"( RETURN \(SPECIAL-USE\))?', ImapServer._list),
    (r"UID SEARCH (?:UID ([0-9:,*]+) )?DELETED", ImapServer._search),
    (r"UID STORE ([0-9:,]+) ([+-])FLAGS\.SILENT \(\\Deleted\)", ImapServer._store),
    (r'UID COPY ([0-9:,]+) "([^"]+)"', ImapServer._copy),
    (r'UID MOVE ([0-9:,]+) "([^"]+)"', ImapServer._move),
    (r"UID EXPUNGE ([0-9:,]+)", ImapServer._expunge),
    (r'CREATE "([^"]+)"', ImapServer._create),
    (r'SUBSCRIBE "([^"]+)"', ImapServer._fine),
    (r'EXAMINE "([^"]+)"', ImapServer._examine),
    ("NAMESPACE", ImapServer._namespace),
    (r"FETCH ([0-9]+) \(UID\)", ImapServer._fetch),
]
