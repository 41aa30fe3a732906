"""How the story ended: what each program has, and which of the story's claims are true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailproxy.demo.programs import Downloaded
from mailproxy.store.kept import KeptRow


@dataclass(frozen=True, slots=True)
class Check:
    """A claim of the story, whether it is true, and what was seen."""

    claim: str
    held: bool
    seen: str


@dataclass(slots=True)
class Outcome:
    """How the story ended.

    ``stored`` is how many messages there are if none is lost; ``runs`` are the sessions of the
    POP3 program; ``restored`` is how many messages it saw after the restore. ``seen_by_imap``
    counts messages; ``trouble`` is why the story broke off, if it did.
    """

    stored: int = 0
    sent: bool = False
    runs: list[Downloaded] = field(default_factory=list)
    seen_by_imap: int = 0
    kept: Sequence[KeptRow] = ()
    restored: int = 0
    checks: list[Check] = field(default_factory=list)
    trouble: str = ""

    @property
    def came_true(self) -> bool:
        """Did all that the story claims happen?"""
        return not self.trouble and bool(self.checks) and all(check.held for check in self.checks)

    @property
    def downloaded(self) -> list[bytes]:
        """All that the POP3 program has downloaded."""
        return [octets for run in self.runs for octets in run.messages]

    @property
    def asked(self) -> int:
        """How many deletions it asked for."""
        return sum(run.asked for run in self.runs)

    @property
    def accepted(self) -> int:
        """How many of them it was told to have succeeded."""
        return sum(run.accepted for run in self.runs)


def checks(
    outcome: Outcome, expected: Sequence[bytes], sent: bytes, seen: Sequence[bytes], deletions: int
) -> list[Check]:
    """The claims of a story that was played to its end.

    ``expected`` are all messages in the order of their arrival, ``sent`` the one of the SMTP program,
    ``seen`` what the IMAP program found, ``deletions`` how many the mail server heard of.
    """
    count, downloaded = len(expected), outcome.downloaded
    arrived = downloaded.count(sent)
    again = outcome.runs[1].messages
    sizes = [len(octets) for octets in expected]
    return [
        Check("The message sent has arrived, byte for byte", arrived > 0, _of(min(arrived, 1), 1)),
        Check(
            "The POP3 program has every message, and has it once, byte for byte",
            downloaded == list(expected),
            f"{_of(sum(octets in downloaded for octets in expected), count)}, in {len(downloaded)} downloads",
        ),
        Check(
            "It deleted every one of them, and was told each time that it succeeded",
            outcome.asked == outcome.accepted == count,
            _of(outcome.accepted, outcome.asked),
        ),
        Check("Its second run downloaded nothing again", not again, f"{len(again)} downloaded"),
        Check("The mail server heard of no deletion", deletions == 0, f"{deletions} heard"),
        Check(
            "The IMAP program still finds all of them, byte for byte",
            list(seen) == list(expected),
            _of(sum(octets in expected for octets in seen), count),
        ),
        Check(
            "All of them were listed as kept",
            sorted(row.octets for row in outcome.kept) == sorted(sizes),
            _of(len(outcome.kept), count),
        ),
        Check(
            "After the restore the POP3 program sees them again",
            outcome.restored == count,
            _of(outcome.restored, count),
        ),
    ]


def _of(some: int, total: int) -> str:
    return f"{some} of {total}"
