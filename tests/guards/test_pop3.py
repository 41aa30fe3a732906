"""Deletions over POP3 that are counted, archived, or allowed in between. The rest is in transcripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.events import Anomaly, BrakeHeld, CommandDone, Deleted, Event, ExpireZero, WouldHave
from mailproxy.guards.make import guard_maker
from mailproxy.guards.memory import Mark, Memory, ViewKey
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.lifts import lifted
from mailproxy.rules.load import parse
from tests.guards.pop3_world import Link, Mailbox
from tests.guards.remembering import NOW, RememberedArchive, RememberedBrakes, RememberedMail
from tests.play import whole

KEEP = '[[rule]]\nname = "keep"\non = ["pop3 DELE"]\ndo = "keep"\n'
ARCHIVE = '[[rule]]\nname = "archive"\non = ["pop3 DELE"]\ndo = "archive"\n'
BRAKE = '[[rule]]\nname = "brake"\non = ["pop3 DELE"]\ndo = "brake"\nlimit = 2\n'


class World:
    """A mailbox, a memory and rules; sessions of one user come and go."""

    def __init__(self, rules: str, *, full: bool = False, lift: str = "", messages: int = 4) -> None:
        self.mailbox = Mailbox({b"u%d" % n: b"Subject: %d\r\n\r\n.x\r\n" % n for n in range(messages)})
        self.mail, self.brakes = RememberedMail(), RememberedBrakes()
        self.archive = RememberedArchive(full)
        judge = RuleSet(parse(rules.encode(), Path("r.toml"))).judge("pop3")
        self.judge = lifted(judge, lambda rule, user: rule == lift)
        self.guards = guard_maker(Memory(self.mail, self.brakes, self.archive), lambda: NOW)
        self.events: list[Event] = []

    def login(self) -> Link:
        link = Link(self.mailbox, self.judge, self.guards, whole)
        for line in ("USER ann", "PASS x"):
            link.say(f"{line}\r\n".encode())
        return link

    def session(self, *lines: str) -> list[bytes]:
        """The first line of what comes back for each of the program's lines, behind its login."""
        link = self.login()
        said = [link.say(f"{line}\r\n".encode()).partition(b"\r\n")[0] for line in lines]
        self.events = link.events
        return said

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def test_a_message_is_archived_before_the_server_deletes_it() -> None:
    world = World(ARCHIVE)
    assert world.session("DELE 2", "QUIT")[0].startswith(b"+OK")
    assert list(world.archive.messages.values()) == [b"Subject: 1\r\n\r\n.x\r\n"]
    assert b"u1" not in world.mailbox.messages
    assert world.told(Deleted) == [Deleted(1, 0)]


def test_what_cannot_be_archived_is_not_deleted() -> None:
    world = World(ARCHIVE, full=True)
    assert world.session("DELE 2", "QUIT")[0].startswith(b"-ERR [SYS/TEMP]")
    assert len(world.mailbox.messages) == 4


@pytest.mark.parametrize("rules", [BRAKE, BRAKE + KEEP])
def test_too_many_deletions_are_held(rules: str) -> None:
    world = World(rules)
    said = world.session("DELE 1", "DELE 2", "DELE 3", "DELE 4", "QUIT")
    assert [line[:11] for line in said[2:4]] == [b"-ERR [SYS/T"] * 2
    assert said[0][:3] == said[1][:3] == b"+OK"
    assert said[4].startswith(b"-ERR [SYS/TEMP] Deletions are held"), "nor does what was marked before go"
    assert len(world.mailbox.messages) == 4
    assert not any(world.mail.views.values())
    assert len(world.told(BrakeHeld)) == 1
    refusals = [event for event in world.told(CommandDone) if event.verdict == "brake"]  # type: ignore[union-attr]
    assert [event.rule for event in refusals] == ["brake"] * 3  # type: ignore[union-attr]
    assert world.session("DELE 1")[0].startswith(b"-ERR")


def test_deletions_of_earlier_sessions_count() -> None:
    world = World(BRAKE)
    world.session("DELE 1", "DELE 2", "QUIT")
    assert world.session("DELE 1")[0].startswith(b"-ERR")


def test_a_session_without_quit_does_not_count() -> None:
    world = World(BRAKE)
    world.session("DELE 1", "DELE 2")
    assert world.session("DELE 1")[0].startswith(b"+OK")


@pytest.mark.parametrize("rules", [BRAKE, BRAKE + KEEP])
def test_at_quit_it_is_counted_what_other_sessions_deleted_meanwhile(rules: str) -> None:
    world = World(rules)
    first, second = world.login(), world.login()
    for link in (first, second):
        assert [link.say(b"DELE %d\r\n" % n)[:3] for n in (1, 2)] == [b"+OK"] * 2
    assert first.say(b"QUIT\r\n").startswith(b"+OK")
    left, kept = dict(world.mailbox.messages), dict(world.mail.views)
    assert second.say(b"QUIT\r\n").startswith(b"-ERR [SYS/TEMP] Deletions are held")
    assert second.closed
    assert (world.mailbox.messages, world.mail.views) == (left, kept)
    held = [event for event in second.events if isinstance(event, BrakeHeld)]
    assert held == [BrakeHeld("ann", "brake", "4 messages within 1 hour, where 2 are allowed")]
    assert world.brakes.recent("", "ann", 0.0) == 2
    assert world.session("DELE 1")[0].startswith(b"-ERR")


def test_what_was_marked_counts_once_and_not_after_rset() -> None:
    world = World(BRAKE)
    said = world.session("DELE 1", "DELE 1", "RSET", "DELE 2", "DELE 2", "DELE 9", "QUIT")
    assert [line[:3] for line in said] == [b"+OK", b"-ER", b"+OK", b"+OK", b"-ER", b"-ER", b"+OK"]
    assert world.brakes.recent("", "ann", 0.0) == 1
    assert list(world.mailbox.messages) == [b"u0", b"u2", b"u3"]


def test_a_lifted_brake_counts_nothing() -> None:
    world = World(BRAKE, lift="brake")
    assert world.session("DELE 1", "DELE 2", "DELE 3", "QUIT")[3].startswith(b"+OK")
    assert len(world.mailbox.messages) == 1
    assert world.brakes.counts == []


def test_what_cannot_be_counted_at_quit_is_not_deleted() -> None:
    world = World(BRAKE)
    link = world.login()
    assert link.say(b"DELE 1\r\n").startswith(b"+OK")
    world.brakes.broken = True
    assert link.say(b"QUIT\r\n").startswith(b"-ERR [SYS/TEMP] deletions cannot be recorded")
    assert len(world.mailbox.messages) == 4
    assert Anomaly("deletions_not_counted", "proxy", "the disk is full") in link.events


def test_a_brake_on_a_memory_that_fails_holds() -> None:
    world = World(BRAKE)
    world.brakes.broken = True
    assert world.session("DELE 1")[0].startswith(b"-ERR")
    assert len(world.mailbox.messages) == 4


def test_a_part_of_the_mailbox_is_too_much() -> None:
    rules = BRAKE.replace("limit = 2", "percent = 10")
    world = World(rules, messages=20)
    assert [line[:3] for line in world.session("DELE 1", "DELE 2", "DELE 3")] == [b"+OK", b"+OK", b"-ER"]


def test_a_brake_in_observe_mode_only_says_so() -> None:
    world = World(BRAKE + 'mode = "observe"\n' + KEEP)
    assert world.session("DELE 1", "DELE 2", "DELE 3")[2].startswith(b"+OK")
    assert [event.rule for event in world.told(WouldHave)] == ["brake"]  # type: ignore[union-attr]


def test_a_brake_in_observe_mode_refuses_nothing_when_nothing_can_be_counted() -> None:
    world = World(BRAKE + 'mode = "observe"\n' + KEEP)
    world.brakes.broken = True
    said = world.session("DELE 1", "QUIT")
    assert [line[:3] for line in said] == [b"+OK"] * 2
    assert world.told(Anomaly) == [Anomaly("deletions_not_counted", "proxy", "the disk is full")] * 2
    assert next(iter(world.mail.views.values())).keys() == {b"u0"}


def test_a_brake_in_observe_mode_without_another_rule_changes_and_says_nothing() -> None:
    world = World(BRAKE + 'mode = "observe"\n')
    said = world.session("DELE 1", "DELE 2", "DELE 3", "QUIT")
    assert [line[:3] for line in said] == [b"+OK"] * 4
    assert world.told(WouldHave) == []
    assert world.brakes.counts == []


def test_an_allowed_deletion_goes_to_the_server_and_a_kept_one_stays() -> None:
    allow = '[[rule]]\nname = "first"\non = ["pop3 DELE"]\nwhen = \'set == "1"\'\ndo = "allow"\n'
    world = World(allow + KEEP)
    world.session("DELE 1", "DELE 2", "QUIT")
    assert list(world.mailbox.messages) == [b"u1", b"u2", b"u3"]
    assert world.told(Deleted) == [Deleted(1, 1)]
    assert world.session("UIDL 1")[0] == b"+OK 1 u2"


def test_a_lifted_rule_lets_the_server_delete_and_still_hides_what_is_kept() -> None:
    world = World(KEEP)
    world.session("DELE 1", "QUIT")
    world.judge = World(KEEP, lift="keep").judge
    assert world.session("STAT", "DELE 1", "QUIT")[0] == b"+OK 3 54"
    assert list(world.mailbox.messages) == [b"u0", b"u2", b"u3"]
    assert world.told(Deleted) == [Deleted(1, 0)]


def test_rset_before_quit_is_left_out_when_a_deletion_was_let_through() -> None:
    world = World(KEEP, lift="keep")
    world.session("DELE 1", "RSET", "DELE 2", "QUIT")
    assert list(world.mailbox.messages) == [b"u0", b"u2", b"u3"]


def test_a_mailbox_that_expires_what_is_read_loses_nothing_by_an_allowed_deletion() -> None:
    world = World(ARCHIVE)
    world.mailbox.expires = b"EXPIRE 0"
    assert world.session("RETR 1", "DELE 2", "QUIT")[1].startswith(b"-ERR [SYS/PERM]")
    assert len(world.mailbox.messages) == 4


@pytest.mark.parametrize("line", [b"EXPIRE 0", b"expire 00", b"EXPIRE 0 USER", b"EXPIRE\t0"])
def test_ways_to_say_that_what_is_read_expires(line: bytes) -> None:
    world = World(KEEP)
    world.mailbox.expires = line
    world.session("DELE 1", "QUIT")
    assert world.told(ExpireZero)


@pytest.mark.parametrize("line", [b"EXPIRE 30", b"EXPIRE NEVER", b"EXPIRE 0x", b"EXPIRED 0"])
def test_ways_to_say_that_it_does_not(line: bytes) -> None:
    world = World(KEEP)
    world.mailbox.expires = line
    world.session("DELE 1", "QUIT")
    assert not world.told(ExpireZero)


def test_nothing_is_deleted_while_it_is_not_known_what_is_hidden() -> None:
    world = World(KEEP, lift="keep")
    world.mail.broken.add("recall")
    assert world.session("DELE 1", "QUIT")[0].startswith(b"-ERR [SYS/TEMP]")
    assert len(world.mailbox.messages) == 4


def test_pipelined_deletions_are_braked_one_by_one() -> None:
    world = World(BRAKE)
    link = Link(world.mailbox, world.judge, world.guards, whole)
    link.say(b"USER ann\r\nPASS x\r\n")
    said = link.say(b"".join(b"DELE %d\r\n" % number for number in range(1, 5)))
    assert [line[:3] for line in said.splitlines()] == [b"+OK", b"+OK", b"-ER", b"-ER"]


def test_kept_deletions_count_for_the_brake() -> None:
    world = World(BRAKE + KEEP)
    world.session("DELE 1", "DELE 2", "QUIT")
    assert sum(count for _, _, count, _ in world.brakes.counts) == 2


def test_the_brake_holds_what_was_pipelined_behind_a_reset_that_failed() -> None:
    world = World(BRAKE)
    world.mailbox.resets = False
    said = world.session("DELE 1", "DELE 2", "RSET", "DELE 3", "QUIT")
    assert said[3].startswith(b"-ERR")


def test_a_copy_is_made_of_the_message_that_the_program_means() -> None:
    world = World(ARCHIVE + KEEP.replace("keep", "kept", 1))
    world.mail.keep(ViewKey("", "ann"), [Mark(b"u0", 18)], "kept", NOW)
    world.judge = World(KEEP).judge
    world.session("QUIT")
    mixed = '[[rule]]\nname = "a"\non = ["pop3 DELE"]\nwhen = \'set == "1"\'\ndo = "archive"\n' + KEEP
    world.judge = World(mixed).judge
    world.session("DELE 1", "QUIT")
    assert list(world.archive.messages.values()) == [b"Subject: 1\r\n\r\n.x\r\n"]
    assert list(world.mailbox.messages) == [b"u0", b"u2", b"u3"]
