"""What all dialects share: slots, limits, and what makes a line ambiguous."""

from __future__ import annotations

import pytest

from mailproxy.proto.dialect import Limits, Refusal, Slot, flaw_of
from mailproxy.proto.tokens import Command


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        (b"NOOP\r\n", ""),
        (b"\r\n", ""),
        (b"\xff\x01\t\r\n", ""),
        (b"NOOP\n", "a bare CR or LF"),
        (b"NO\rOP\r\n", "a bare CR or LF"),
        (b"NOOP\r\r\n", "a bare CR or LF"),
        (b"NOOP\r", "a bare CR or LF"),
        (b"NOOP\rx", "a bare CR or LF"),
        (b"NO\0OP\r\n", "a NUL octet"),
        (b"NO\0OP\n", "a bare CR or LF"),
    ],
)
def test_flaws(line: bytes, flaw: str) -> None:
    found = flaw_of(line)
    assert found.startswith(flaw)
    assert bool(found) is bool(flaw)


def test_a_slot_begins_as_a_command_that_waits_for_the_server() -> None:
    slot = Slot(Command("NOOP", b"NOOP\r\n"), 12.5)
    assert (slot.verb, slot.octets, slot.since, slot.verdict) == ("NOOP", 6, 12.5, "forward")
    assert (slot.answer, slot.status, slot.rule, slot.why) == (None, "", "", "")
    assert (slot.close, slot.upgrade) == (False, False)


def test_a_slot_counts_what_it_was_made_with() -> None:
    """A command that is rewritten, or completed by its literals, gives back what it took."""
    slot = Slot(Command("NOOP", b"NOOP\r\n"), 0)
    slot.command = Command("CAPA", b"CAPA ............\r\n")
    assert (slot.octets, slot.verb) == (6, "NOOP")


def test_limits_are_bounded() -> None:
    limits = Limits()
    assert max(limits.line, limits.reply, limits.literal) <= 256 * 1024


def test_each_refusal_is_its_own() -> None:
    assert len({kind.value for kind in Refusal}) == len(Refusal) == 8
