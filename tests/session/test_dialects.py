"""Each protocol has its dialect."""

from __future__ import annotations

import pytest

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Limits
from mailproxy.proto.imap import Imap
from mailproxy.proto.pop3 import Pop3
from mailproxy.proto.smtp import Smtp
from mailproxy.session.dialects import dialect_for

POLICY = Policy(guard=True, starttls=False, login=True)


@pytest.mark.parametrize(("protocol", "kind"), [("pop3", Pop3), ("imap", Imap), ("smtp", Smtp)])
def test_a_fresh_dialect_each_time(protocol: str, kind: type) -> None:
    one, other = (dialect_for(protocol, POLICY, Limits(), frozenset()) for _ in range(2))
    assert type(one) is type(other) is kind
    assert one is not other
    assert one.inboxes[0] is not other.inboxes[0]


def test_imap_collects_the_verbs_that_are_judged() -> None:
    said = b"* PREAUTH hi\r\n", b"a DELETE {1}\r\n"
    tokens = []
    for judged in (frozenset({"DELETE"}), frozenset[str]()):
        dialect = dialect_for("imap", POLICY, Limits(), judged)
        for side, octets in enumerate(reversed(said)):
            dialect.inboxes[side].feed(octets)
        tokens.append(type(dialect.client()).__name__)
    assert tokens == ["Say", "Command"]


def test_no_other_protocol() -> None:
    with pytest.raises(ValueError, match="no such protocol: lmtp"):
        dialect_for("lmtp", POLICY, Limits(), frozenset())
