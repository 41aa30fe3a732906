"""The scripts in a capture file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.conversations import Conversation, Item, Remarked, Said, conversations
from mailproxy.capture.exchanges import Recording, collect
from mailproxy.capture.parts import Kind
from mailproxy.replay.script import Script, script_of


class ScriptError(Exception):
    """The file holds nothing that can be replayed as it was asked for. The text names the next step."""


def scripts(
    path: Path,
    store: BodyStore,
    *,
    sessions: Collection[int] = (),
    leg: str = "client",
    allow_destructive: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[Script]:
    """The sessions with these numbers, or all of that leg, as scripts in the order of the file.

    ``leg`` chooses between the two sides of a session of our own proxy; captures of others have none.

    Raises:
        ScriptError: there is no such session, nothing of it can be read, or they do not go together.
        CaptureError: the file cannot be read as a capture, or not any further.
    """

    def wanted(conversation: Conversation) -> bool:
        if sessions:
            return conversation.number in sessions
        return conversation.leg in ("", leg)

    aside = _Aside()
    found = list(collect(aside.noting(conversations(path, None, progress)), store, wanted))
    absent = sorted(set(sessions) - {one.conversation.number for one in found})
    if absent:
        raise ScriptError(f"{path}: there is no session {absent[0]}; see mailproxy capture list")
    readable = [one for one in found if any(exchange.number for exchange in one.exchanges)]
    if not readable:
        raise ScriptError(f"{path}: {_nothing(found)}")
    written = [aside.script(one, allow_destructive) for one in readable]
    _fit(path, written)
    return written


def _nothing(found: list[Recording]) -> str:
    if any(one.conversation.tls or one.unread for one in found):
        return "its sessions are encrypted, so nobody knows what was said; capture with mailproxy run"
    return "no mail client says anything in it; see mailproxy capture list"


class _Aside:
    """What recordings do not hold: where octets are missing, when TLS began, who the other leg's user is."""

    def __init__(self) -> None:
        self._holes: dict[int, set[int]] = {}
        self._tls_since: dict[int, float] = {}
        self._users: dict[str, str] = {}

    def noting(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass the items on."""
        for item in items:
            number = item.conversation.number
            if isinstance(item, Said) and item.part.kind is Kind.GAP:
                self._holes.setdefault(number, set()).add(item.part.exchange)
            elif isinstance(item, Remarked) and item.remark.word == "starttls":
                self._tls_since[number] = item.time
            elif isinstance(item, Remarked) and item.remark.word == "login":
                self._users[item.conversation.session] = str(item.remark.fields.get("user", ""))
            yield item

    def script(self, recording: Recording, allow_destructive: bool) -> Script:
        conversation = recording.conversation
        script = script_of(
            recording,
            allow_destructive=allow_destructive,
            gaps=self._holes.get(conversation.number, ()),
            tls_since=self._tls_since.get(conversation.number, 0.0),
        )
        if conversation.session:
            script.user = script.user or self._users.get(conversation.session, "")
        return script


def _fit(path: Path, written: list[Script]) -> None:
    """One server speaks one protocol, and one password is one user's."""
    protocols = sorted({script.protocol for script in written})
    if len(protocols) > 1:
        said = " and ".join(protocols)
        raise ScriptError(
            f"{path}: it has sessions of {said}; choose with --session, see mailproxy capture list"
        )


def users_of(written: Iterable[Script]) -> list[str]:
    """Who logs in, each once; an empty name is one that nobody knows."""
    return sorted({script.user for script in written if script.login is not None})
