"""IMAP flags as letters behind a Maildir file name."""

from __future__ import annotations

from collections.abc import Iterable

# \Deleted is left out: it is why the copy was made, and would hide it from who opens the Maildir.
_LETTERS = {"\\draft": "D", "\\flagged": "F", "\\answered": "R", "\\seen": "S"}
_NEVER_RESTORED = frozenset({"\\deleted", "\\recent"})


def letters_of(flags: Iterable[str]) -> str:
    """The letters, in the order that Maildir wants; keywords have none."""
    return "".join(sorted({_LETTERS[low] for flag in flags if (low := flag.lower()) in _LETTERS}))


def restored_flags(flags: Iterable[str]) -> tuple[str, ...]:
    """The flags with which a message comes back: not marked for deletion again."""
    return tuple(flag for flag in flags if flag.lower() not in _NEVER_RESTORED)


def flags_of(file: str) -> tuple[str, ...]:
    """The flags that the letters behind a file's name stand for."""
    _, _, letters = file.rpartition(":2,")
    names = {letter: flag for flag, letter in _LETTERS.items()}
    return (
        tuple(f"\\{names[one][1:].capitalize()}" for one in letters if one in names) if ":2," in file else ()
    )
