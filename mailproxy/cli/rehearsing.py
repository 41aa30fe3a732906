"""Puts together what captured sessions are run with: rules, guards, and a store of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mailproxy.config import Config
from mailproxy.guards.make import guard_maker
from mailproxy.guards.memory import Memory
from mailproxy.proto.dialect import Limits
from mailproxy.rules.judge import RuleSet
from mailproxy.session.options import Options
from mailproxy.store.store import Store
from mailproxy.whatif.archive import PassingArchive
from mailproxy.whatif.clock import Clock
from mailproxy.whatif.rehearsal import Rehearsal, Terms, terms_of
from mailproxy.whatif.sessions import CapturedSession


@contextmanager
def rehearsing(ruleset: RuleSet) -> Iterator[Rehearsal]:
    """With a store of its own, which is gone in the end. The proxy's store is not looked at.

    Raises:
        StoreError, OSError: it cannot be made.
    """
    clock = Clock()
    judges = {protocol: ruleset.judge(protocol) for protocol in ("pop3", "imap", "smtp")}
    with TemporaryDirectory(prefix="mailproxy-") as folder:
        store = Store(f"sqlite:///{Path(folder).resolve() / 'rehearsal.db'}")
        try:
            memory = Memory(store.kept, store.brakes, PassingArchive())
            yield Rehearsal(judges, guard_maker(memory, clock.now), clock)
        finally:
            store.close()


def terms_for(captured: CapturedSession, config: Config | None, *, tls: bool) -> Terms:
    """How the session was served: as the capture says, and as ``config`` has its listener."""
    terms = terms_of(captured, tls=tls)
    if config is None:
        return terms
    limits, protocol = config.limits, captured.conversation.protocol
    for listener in config.listener:
        if (listener.name, listener.protocol) == (terms.listener, protocol):
            options = Options(
                starttls=listener.tls == "starttls",
                tls_required=bool(listener.require_tls),
                errors=limits.errors,
                limits=Limits(line=limits.line_octets, literal=limits.literal_octets),
            )
            return Terms(terms.listener, listener.upstream, terms.tls, options)
    return terms
