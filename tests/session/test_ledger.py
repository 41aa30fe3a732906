"""Every command is booked in, booked out and reported once."""

from __future__ import annotations

from mailproxy.events import CommandDone, Event
from mailproxy.proto.capabilities import Policy
from mailproxy.proto.dialect import GREETING, Limits, Slot
from mailproxy.proto.pop3_verbs import VERBS
from mailproxy.proto.tokens import Command
from mailproxy.session.dialects import dialect_for
from mailproxy.session.ledger import Ledger


class Book:
    """A ledger over a POP3 dialect, with what it said, and a clock that stands at ten seconds."""

    def __init__(self) -> None:
        self.said: list[Event] = []
        policy = Policy(guard=True, starttls=False, login=True)
        self.dialect = dialect_for("pop3", policy, Limits(), frozenset())
        self.ledger = Ledger(self.dialect, self.said.append, lambda: 10.0)

    def open(self, verb: str, args: bytes = b"", since: float = 4.0) -> Slot:
        line = f"{verb} ".encode() + args + b"\r\n"
        slot = Slot(Command(verb, line, args, VERBS.get(verb)), since)
        self.ledger.open(slot)
        return slot


def test_octets_are_those_of_the_open_commands() -> None:
    book = Book()
    first, second = book.open("RETR", b"1"), book.open("DELE", b"1")
    assert book.ledger.octets == first.octets + second.octets == 16
    book.ledger.close(second, "OK")  # not in order
    book.ledger.close(first, "ERR")
    assert book.ledger.octets == 0
    assert not book.dialect.slots
    assert (first.status, second.status) == ("ERR", "OK")


def test_a_report_says_how_long_it_took_and_hides_the_secret() -> None:
    book = Book()
    slot = book.open("PASS", b"hunter two")
    book.ledger.close(slot, "OK")
    book.ledger.report(slot)
    assert book.said == [CommandDone("PASS", "***", "forward", "OK", 6.0)]
    assert book.ledger.verdicts == {"forward": 1}


def test_of_an_unknown_command_only_the_length_is_told() -> None:
    book = Book()
    book.ledger.report(book.open("HUNTER2"))
    assert book.said == [CommandDone("(unknown)", "10 octets", "forward", "", 6.0)]


def test_what_is_abandoned_is_reported_but_not_the_greeting() -> None:
    book = Book()
    book.open(GREETING)
    book.open("NOOP")
    ours = book.open("DELE", b"1")
    ours.answer, ours.verdict = b"-ERR no\r\n", "block"
    book.ledger.abandon()
    told = [
        (event.verb, event.verdict, event.status) for event in book.said if isinstance(event, CommandDone)
    ]
    assert told == [("NOOP", "forward", "unanswered"), ("DELE", "block", "unsent")]
    assert book.ledger.octets == 0
    assert not book.dialect.slots
