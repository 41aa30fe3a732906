"""What a crash must never do to kept mail, told as what was found."""

from __future__ import annotations

from collections.abc import Sequence

from tests.crash.scene import BEFORE, DONE, MAIL, MARKED, Aftermath, Rows, World, read_store

_STATES: tuple[tuple[str, Rows], ...] = (("before", BEFORE), ("marked", MARKED), ("done", DONE))
_DUE = b"DELE %d" % (list(MAIL).index(b"over") + 1)


def state_of(kept: Rows) -> str:
    """``before`` the session, ``marked``, or ``done``; empty for anything between them."""
    return next((name for name, rows in _STATES if rows == kept), "")


def losses(after: Aftermath) -> list[str]:
    """What is lost, or is only half there, after a session whose proxy was killed."""
    found, kept = read_store(after.store)
    state, quit_heard = state_of(kept), after.heard[-1] == b"QUIT"
    all_marked = MARKED.keys() - kept.keys() <= {b"over"}
    over_is_gone = b"over" not in after.mail
    others = {uidl: body for uidl, body in MAIL.items() if uidl != b"over"}
    deletions = [line for line in after.heard if line.startswith(b"DELE")]
    checks = (
        (not state, f"the store is half written: {sorted(kept)}"),
        (after.told.startswith(b"+OK") and not all_marked, "what the program deleted is not kept"),
        (quit_heard and not all_marked, "the server heard QUIT before the marks were kept"),
        (b"over" not in kept and not over_is_gone, "what is over is forgotten, and the server has it"),
        (over_is_gone and not quit_heard, "a message has gone from the server without QUIT"),
        ({**after.mail, b"over": b""} != {**others, b"over": b""}, "the server has lost a message"),
        (any(line != _DUE for line in deletions), f"the server was asked for {deletions}"),
    )
    return found + [what for wrong, what in checks if wrong]


def surprises(world: World, after: Aftermath) -> list[str]:
    """What the next session, with a proxy that nobody kills, shows or does wrong."""
    _, kept = read_store(after.store)
    shown, later = world.look_again(after)
    _, kept_later = read_store(later.store)
    expected = [(uidl, body) for uidl, body in after.mail.items() if uidl not in kept]
    mail = {uidl: body for uidl, body in after.mail.items() if uidl != b"over"}
    checks = (
        (later.killed, "the next proxy was killed"),
        (shown != expected, f"the next session shows {_names(shown)} and not {_names(expected)}"),
        (not later.told.startswith(b"+OK"), f"the next session ends with {later.told!r}"),
        (later.mail != mail, f"the next session leaves {sorted(later.mail)} on the server"),
        (bool(kept.keys() - kept_later.keys() - {b"over"}), f"the next session keeps {sorted(kept_later)}"),
    )
    return [what for wrong, what in checks if wrong]


def _names(shown: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    return [uidl for uidl, _ in shown]
