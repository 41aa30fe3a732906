"""The capabilities of an IMAP server that is played (RFC 9051 §6.1.1)."""

from __future__ import annotations

from mailproxy.player.imap_world import World
from mailproxy.player.login import MECHANISMS
from mailproxy.player.terms import Tls

# What would wrap or end the stream, or needs a server behind it.
_NOT_PLAYED = frozenset({b"STARTTLS", b"LOGINDISABLED", b"COMPRESS=DEFLATE", b"UNAUTHENTICATE"})
_ALWAYS = [b"IMAP4rev1"]


class Offers:
    """Those of the capture that can be played."""

    def __init__(self, world: World, tls: Tls) -> None:
        self._world = world
        self._tls = tls

    def now(self, *, logged_in: bool, secure: bool) -> bytes:
        """What the server offers in this state, with a blank between each."""
        world = self._world
        in_clear = self._tls == "starttls" and not secure
        if logged_in:
            told = world.offered_after or world.offered_before
        elif in_clear:
            told = world.offered_first or world.offered_after
        else:
            told = world.offered_before or world.offered_after
        offered = [each for each in told.split() if _played(each)] or list(_ALWAYS)
        if logged_in:
            offered = [each for each in offered if not each.upper().startswith(b"AUTH=")]
        elif not in_clear and not any(each.upper().startswith(b"AUTH=") for each in offered):
            offered.append(b"AUTH=PLAIN")  # the capture's list may be the one before STARTTLS
        if in_clear and not logged_in:
            offered += [b"STARTTLS", *(each for each in told.split() if each.upper() == b"LOGINDISABLED")]
        return b" ".join(offered)


def _played(capability: bytes) -> bool:
    name = capability.upper()
    if name.startswith(b"AUTH="):
        return name[5:].decode("latin-1") in MECHANISMS
    return name not in _NOT_PLAYED
