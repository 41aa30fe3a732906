"""The dialect of each protocol by its name in the configuration."""

from __future__ import annotations

from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import Dialect, Limits
from mailproxy.proto.imap import Imap
from mailproxy.proto.pop3 import Pop3
from mailproxy.proto.smtp import Smtp


def dialect_for(protocol: str, policy: Policy, limits: Limits, judged: frozenset[str]) -> Dialect:
    """A fresh reader for one session; ``judged`` are the verbs that a rule concerns."""
    match protocol:
        case "pop3":
            return Pop3(policy, limits)
        case "imap":
            return Imap(policy, limits, judged)
        case "smtp":
            return Smtp(policy, limits)
    raise ValueError(f"no such protocol: {protocol}")
