"""What servers say of themselves."""

from __future__ import annotations

import pytest

from mailproxy.capture.statistics import Statistics
from tests.capture.talks import Cut, Talk, byte_by_byte, items, whole

CAPA = "S: +OK POP\\x1b\nC: CAPA\nS: +OK list\nS: TOP\nS: SASL PLAIN LOGIN\nS: .\nC: QUIT\nS: +OK bye"
EHLO = """
S: 220-mx
S: 220 mx
C: EHLO x
S: 250-mx.example
S: 250-size 500
S: 250 AUTH=PLAIN
C: EHLO y
S: 500 no
"""
IMAP = """
S: * OK [CAPABILITY IMAP4rev1 IDLE] ready
C: a CAPABILITY
S: * CAPABILITY IMAP4rev1 UIDPLUS
S: a OK
"""


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
@pytest.mark.parametrize(
    ("protocol", "said", "greeting", "capabilities"),
    [
        ("pop3", CAPA, "+OK POP\x1b", {"TOP", "SASL PLAIN LOGIN"}),
        ("pop3", "S: +OK POP\nC: CAPA\nS: -ERR what", "+OK POP", set()),
        ("smtp", EHLO, "220-mx / 220 mx", {"SIZE 500", "AUTH PLAIN"}),
        ("imap", IMAP, "* OK [CAPABILITY IMAP4rev1 IDLE] ready", {"IMAP4REV1", "IDLE", "UIDPLUS"}),
    ],
)
def test_greeting_and_capabilities(
    protocol: str, said: str, greeting: str, capabilities: set[str], cut: Cut
) -> None:
    statistics = Statistics()
    statistics.take(items(Talk(protocol, said), cut=cut))
    [facts] = statistics.totals.servers.values()
    assert (facts.sessions, facts.greeting) == (1, greeting)
    assert facts.capabilities == capabilities


def test_a_hostile_list_is_bounded() -> None:
    names = "\n".join(f"S: X{number}" for number in range(1000))
    statistics = Statistics()
    statistics.take(items(Talk("pop3", f"S: +OK\nC: CAPA\nS: +OK\n{names}\nS: .")))
    [facts] = statistics.totals.servers.values()
    assert len(facts.capabilities) == 200
