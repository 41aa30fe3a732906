"""Which recordings of a file are played, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.conversations import Conversation
from mailproxy.capture.exchanges import Recording, recordings
from mailproxy.capture.model import CaptureError


@dataclass(slots=True)
class Cast:
    """The recordings of one protocol in their order. The k-th connection gets the k-th, at last the last."""

    protocol: str
    recordings: list[Recording]
    _next: int = field(default=0)

    def next(self) -> Recording:
        """That of the next connection."""
        found = self.recordings[min(self._next, len(self.recordings) - 1)]
        self._next += 1
        return found

    def chooser(self, first: Recording) -> Callable[[str], Recording | None]:
        """Who turns out to be somebody else's user is played a recording of his own, if there is one."""

        def choose(user: str) -> Recording | None:
            if first.login == user:
                return first
            return next((one for one in self.recordings if one.login == user), None)

        return choose


def casts(
    path: Path,
    store: BodyStore,
    *,
    session: int | None = None,
    leg: str = "client",
    progress: Callable[[int], None] | None = None,
) -> list[Cast]:
    """What can be played of a file, by protocol.

    ``session`` is the number of one conversation. ``leg`` chooses between the two sides of a session
    of our own proxy: what the mail program heard, or what the server said.

    Raises:
        CaptureError: the file cannot be read, or there is nothing in it that can be played.
    """

    def wanted(conversation: Conversation) -> bool:
        if session is not None:
            return conversation.number == session
        return conversation.leg in ("", leg)

    found = recordings(path, store, wanted, progress)
    if session is not None and not found:
        raise CaptureError(f"{path}: there is no session {session}; see mailproxy capture list")
    playable = [one for one in found if one.exchanges]
    if not playable:
        raise CaptureError(f"{path}: {_why_nothing(found)}")
    protocols = dict.fromkeys(one.conversation.protocol for one in playable)
    return [
        Cast(protocol, [one for one in playable if one.conversation.protocol == protocol])
        for protocol in sorted(protocols)
    ]


def _why_nothing(found: list[Recording]) -> str:
    if any(one.conversation.tls for one in found):
        return "its sessions are encrypted, so nobody knows what was said; capture with mailproxy run"
    if any(one.unread for one in found):
        return "nothing in it can be read: the beginnings are missing, or it is encrypted; capture it anew"
    return "it holds no mail session; see mailproxy capture list"
