"""Kept mail, ``do = "keep"`` and ``do = "delay"``: a POP3 program's deletions stay without effect.

The program sees its deletion succeed and never sees the message again; the server keeps it,
for ever or until ``keep_for`` is over. See docs/design.md, "Kept mail".
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from mailproxy.events import Anomaly, KeepUnavailable, MailboxSeen, UidlChurn
from mailproxy.guards.maildrop import BadListing, Listed, Maildrop, read_listing
from mailproxy.guards.memory import Kept, KeptMail, Mark, MemoryFailed, ViewKey
from mailproxy.guards.view import View, compare, due
from mailproxy.session.guard import Answer, Ask, Do, Situation, Step
from mailproxy.session.verdict import Action, Decision, Facts

_DUE_AT_ONCE = 1000  # real deletions in one session: more would keep the program waiting
_BATCH = 100  # of them, sent together to a server that takes pipelined commands


def view_key(facts: Facts, decision: Decision) -> ViewKey:
    """Whose view of the mailbox the rule means."""
    program = {
        "listener": f"listener {facts.listener}",
        "client.ip": f"client {facts.client_ip}",
    }.get(decision.settings.view, "")
    return ViewKey(facts.upstream, facts.user, program)


class Keeper:
    """One session's kept mail. ``maildrop`` is None when mail cannot be kept, and ``why`` says why.

    ``broken`` is True when it is not known what is kept: then nothing may be listed, since
    the program would download everything again.
    """

    def __init__(
        self, situation: Situation, decision: Decision, memory: KeptMail, now: Callable[[], float]
    ) -> None:
        self._situation = situation
        self._decision = decision
        self._memory = memory
        self._now = now
        self._key = view_key(situation.facts, decision)
        self._kept: Mapping[bytes, Kept] = {}
        self._view: View | None = None
        self._size = MailboxSeen(0, 0)
        self.maildrop: Maildrop | None = None
        self.why = ""
        self.broken = False

    def recall(self) -> Mapping[bytes, Kept] | MemoryFailed:
        """What is kept, or why that is not known. May wait for the database."""
        try:
            return self._memory.recall(self._key, self._now())
        except MemoryFailed as error:
            return error

    def open(
        self, pipelining: bool, recalled: Mapping[bytes, Kept] | MemoryFailed
    ) -> Generator[Step, Any, None]:
        """Learn what the server lists, and lay over it what is kept."""
        if isinstance(recalled, MemoryFailed):
            self._not_known(recalled)
            return
        self._kept = recalled
        asks = Ask(b"UIDL"), Ask(b"LIST")
        if pipelining:
            uidls, sizes = yield asks
        else:
            uidls = yield asks[0]
            sizes = yield asks[1]
        if not (uidls.good and sizes.good):
            self._unlisted("the server tells no unique-ids (UIDL)")
            return
        try:  # a large mailbox takes its time
            view, maildrop = yield Do(lambda: self._laid_over(sizes.data, uidls.data))
        except BadListing as error:
            self._unlisted(f"the server's list cannot be read: {error}")
            return
        self._view, self.maildrop = view, maildrop
        self._tell(view)

    def _laid_over(self, sizes: bytes, uidls: bytes) -> tuple[View, Maildrop]:
        listing = read_listing(sizes, uidls)
        view = compare(listing, self._kept)
        self._size = MailboxSeen(len(listing), sum(listing.octets))
        return view, Maildrop(listing, view.hidden)

    def _unlisted(self, why: str) -> None:
        """Without a list nothing can be hidden: if something has to be, then nothing may be shown."""
        self.broken = any(not row.missing for row in self._kept.values())
        self._unavailable(why)

    def _not_known(self, error: MemoryFailed) -> None:
        self.broken = True
        self._unavailable(f"what is kept is not known: {error}")

    def _unavailable(self, why: str) -> None:
        self.why = why
        self._situation.emit(KeepUnavailable(why))

    def _tell(self, view: View) -> None:
        emit = self._situation.emit
        emit(self._size)
        if view.churn:
            emit(UidlChurn(len(view.missing), sum(not row.missing for row in self._kept.values())))
        if view.changed:
            emit(Anomaly("uidl_reused", "server", f"{view.changed} kept messages have another size now"))

    def keeps(self, message: Listed) -> bool:
        """Can this one be hidden from now on?"""
        assert self._view is not None, "there is a maildrop"
        return bool(message.uidl) and message.uidl not in self._view.ambiguous

    def commit(self) -> Generator[Step, Any, str]:
        """QUIT: what was marked is kept from here on. Returns why it could not be, or nothing."""
        view, maildrop = self._view, self.maildrop
        if view is None or maildrop is None:
            return ""
        marks = [Mark(message.uidl, message.octets) for message in maildrop.marks()]
        if not (marks or view.missing or view.found):
            return ""
        rule, now = self._decision.rule, self._now()
        try:
            yield Do(lambda: self._memory.keep(self._key, marks, rule, now, view.missing, view.found))
        except MemoryFailed as error:
            return str(error) if marks else ""
        return ""

    def delete_due(self, pipelining: bool) -> Generator[Step, Any, list[bytes]]:
        """Have the server mark what is due; returns the UIDLs of those that it did."""
        done: list[bytes] = []
        over = (yield from self._due())[:_DUE_AT_ONCE]
        size = _BATCH if pipelining else 1
        for start in range(0, len(over), size):
            batch = over[start : start + size]
            answers: tuple[Answer, ...] = yield tuple(Ask(b"DELE %d" % message.number) for message in batch)
            done += [message.uidl for message, answer in zip(batch, answers, strict=True) if answer.good]
        return done

    def _due(self) -> Generator[Step, Any, list[Listed]]:
        """What the server is to delete, as it is remembered now: it may have been restored meanwhile."""
        view, now, settings = self._view, self._now(), self._decision.settings
        if view is None or not due(view, self._kept, settings.keep_for, now):
            return []
        try:
            kept = yield Do(lambda: self._memory.recall(self._key, now))
            over = due(view, kept, settings.keep_for, now)
            timed = [message.uidl for message in over if not kept[message.uidl].due]
            if not timed or self._decision.action is not Action.KEEP or settings.keep_for is None:
                return over
            since = now - settings.keep_for
            wanted = yield Do(lambda: self._memory.wanted_elsewhere(self._key, timed, since))
        except MemoryFailed:
            return []
        return [message for message in over if kept[message.uidl].due or message.uidl not in wanted]

    def deleted(self, uidls: Sequence[bytes]) -> Generator[Step, Any, None]:
        """The server has deleted them. If that cannot be noted now, it is when they are not listed."""
        try:
            yield Do(lambda: self._memory.forget(self._key, uidls, self._now()))
        except MemoryFailed as error:
            self._situation.emit(Anomaly("kept_mail_not_noted", "proxy", str(error)))
