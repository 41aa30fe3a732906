"""What a POP3 program may see of a mailbox, given what is kept (``do = "keep"``).

A message is hidden only when there is no doubt that it is the one that was kept: its
UIDL is unique in the listing, and its size is the one it had. What is shown by mistake is
downloaded twice; what is hidden by mistake would be lost to the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailproxy.guards.maildrop import Listed, Listing
from mailproxy.guards.memory import Kept

_CHURN = 5  # so many kept messages, and most of them, vanish at once: the server has renamed its mail


@dataclass(frozen=True, slots=True)
class View:
    """``hidden`` are numbers of the server, ``ambiguous`` UIDLs that cannot be kept.

    ``missing`` were listed before and are not any more; ``found`` are listed again;
    ``changed`` counts kept UIDLs that now belong to a message of another size.
    """

    hidden: Mapping[int, Listed]
    ambiguous: frozenset[bytes]
    missing: frozenset[bytes]
    found: frozenset[bytes]
    changed: int
    churn: bool


def compare(listing: Listing, kept: Mapping[bytes, Kept]) -> View:
    """Lay what is kept over what the server lists now."""
    ambiguous = listing.doubled()
    places = {uidl: place for place, uidl in enumerate(listing.uidls) if uidl in kept} if kept else {}
    present = {uidl: listing[place] for uidl, place in places.items()}
    hidden = {
        message.number: message
        for uidl, message in present.items()
        if uidl not in ambiguous and message.octets == kept[uidl].octets
    }
    missing = frozenset(uidl for uidl, row in kept.items() if not row.missing and uidl not in present)
    before = sum(not row.missing for row in kept.values())
    return View(
        hidden,
        ambiguous,
        missing,
        frozenset(uidl for uidl in present if kept[uidl].missing),
        sum(message.octets != kept[uidl].octets for uidl, message in present.items()),
        len(missing) >= _CHURN and 2 * len(missing) > before,
    )


def due(view: View, kept: Mapping[bytes, Kept], keep_for: float | None, now: float) -> list[Listed]:
    """The hidden messages whose time is over, or whose deletion an operator has asked for.

    ``keep_for`` is in seconds. After a churn no UIDL is trusted, and nothing is due.
    """
    if view.churn:
        return []

    def is_due(message: Listed) -> bool:
        row = kept.get(message.uidl)
        if row is None or row.octets != message.octets:
            return False
        return row.due or (keep_for is not None and row.since + keep_for <= now)

    return [message for message in view.hidden.values() if is_due(message)]
