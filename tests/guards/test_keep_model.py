"""Kept mail against a model of RFC 1939, by random programs, mailboxes and accidents."""

from __future__ import annotations

import os
import random
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailproxy.guards.make import guard_maker
from mailproxy.guards.memory import Memory, ViewKey
from mailproxy.proto.tokens import Side
from mailproxy.rules import load
from tests.guards.pop3_world import Link, Mailbox
from tests.guards.remembering import DAY, NOW, RememberedArchive, RememberedBrakes, RememberedMail
from tests.play import random_cuts

RULES = Path(__file__).parents[2] / "rules"
KEEP_FOR = 30 * DAY
VIEW = ViewKey("", "ann")
BODIES = st.lists(st.sampled_from([b"", b".", b"..", b".x", b"Subject: a", b"text"]), min_size=1, max_size=4)
NUMBERS = st.integers(0, 7)
COMMANDS = st.one_of(
    st.sampled_from(["STAT", "LIST", "UIDL", "NOOP", "RSET", "LAST"]),
    NUMBERS.map("DELE {}".format),
    NUMBERS.map("RETR {}".format),
    NUMBERS.map("LIST {}".format),
    NUMBERS.map("UIDL {}".format),
    NUMBERS.map("TOP {} 1000".format),
)


@dataclass
class Program:
    """What RFC 1939 promises a program in this session: its maildrop never changes but by itself."""

    uidls: list[bytes]
    bodies: dict[bytes, bytes]
    deleted: set[int]
    last: int = 0

    def uidl(self, number: int) -> bytes | None:
        there = 0 < number <= len(self.uidls) and number not in self.deleted
        return self.uidls[number - 1] if there else None


class KeptMail(RuleBasedStateMachine):
    """One user's mailbox, a program that deletes what it reads, and others who read with IMAP."""

    steps = 0  # of all walks

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = Mailbox()
        self.mail = RememberedMail()
        self.now = NOW
        self.link: Link | None = None
        self.program = Program([], {}, set())
        self.kept: dict[bytes, float] = {}  # what the program deleted, and when
        self.taken: set[bytes] = set()  # what IMAP users deleted
        self.all: dict[bytes, bytes] = {}  # every message there ever was
        self.expires = False

    @initialize(expires=st.booleans(), pipelining=st.booleans())
    def begin(self, expires: bool, pipelining: bool) -> None:
        self.expires = expires
        self.mailbox.pipelining = pipelining
        name = "pop3-keep-30-days" if expires else "pop3-keep"
        self.judge = load([RULES / f"{name}.toml"], examples=None).judge("pop3")
        memory = Memory(self.mail, RememberedBrakes(), RememberedArchive())
        self.guards = guard_maker(memory, lambda: self.now)

    # -- the world -----------------------------------------------------------------------

    @rule(lines=BODIES)
    def mail_arrives(self, lines: list[bytes]) -> None:
        uidl = b"u%d" % len(self.all)
        self.all[uidl] = self.mailbox.messages[uidl] = b"".join(line + b"\r\n" for line in lines)

    @rule(which=st.integers(0, 30))
    def an_imap_user_deletes(self, which: int) -> None:
        uidl = b"u%d" % which
        if self.mailbox.messages.pop(uidl, None) is not None:
            self.taken.add(uidl)

    @rule(days=st.sampled_from([1, 10, 31]))
    def time_passes(self, days: int) -> None:
        self.now += days * DAY

    @precondition(lambda self: self.link is None)
    @rule(which=st.integers(0, 30))
    def an_operator_restores(self, which: int) -> None:
        uidl = b"u%d" % which
        if self.kept.pop(uidl, None) is not None:
            self.mail.forget(VIEW, [uidl], self.now)

    # -- the program ---------------------------------------------------------------------

    @precondition(lambda self: self.link is None)
    @rule(seed=st.integers(0, 5))
    def the_program_logs_in(self, seed: int) -> None:
        self.link = Link(self.mailbox, self.judge, self.guards, random_cuts(seed))
        assert self.link.say(b"USER ann\r\n") == b"+OK ready\r\n+OK\r\n"
        assert self.link.say(b"PASS x\r\n") == b"+OK\r\n"
        visible = [uidl for uidl in self.mailbox.messages if uidl not in self.kept]
        self.program = Program(visible, {uidl: self.all[uidl] for uidl in visible}, set())
        self.opened = self.now

    @precondition(lambda self: self.link is not None)
    @rule(commands=st.lists(COMMANDS, min_size=1, max_size=6))
    def the_program_sends(self, commands: list[str]) -> None:
        assert self.link is not None
        KeptMail.steps += len(commands) - 1  # the invariant counts one
        note(f"{self.program.uidls} {self.program.deleted}")
        got = self.link.say("".join(f"{command}\r\n" for command in commands).encode())
        for command in commands:
            got = self.check(command, got)
        assert got == b""

    def check(self, command: str, got: bytes) -> bytes:
        """Compare one reply with what the model says; returns what is behind it."""
        verb, _, argument = command.partition(" ")
        program = self.program
        present = [n for n in range(1, len(program.uidls) + 1) if n not in program.deleted]
        octets = {n: len(program.bodies[program.uidls[n - 1]]) for n in present}
        if verb in ("RETR", "TOP"):
            return self.check_body(verb, int(argument.split()[0]), got)
        if verb in ("LIST", "UIDL") and not argument:
            rows = [
                b"%d %s" % (n, program.uidls[n - 1] if verb == "UIDL" else b"%d" % octets[n]) for n in present
            ]
            head, _, rest = got.partition(b"\r\n")
            assert head.startswith(b"+OK")
            body, _, rest = rest.partition(b".\r\n")
            assert body == b"".join(row + b"\r\n" for row in rows)
            return rest
        line, _, rest = got.partition(b"\r\n")
        match verb:
            case "STAT":
                assert line == b"+OK %d %d" % (len(present), sum(octets.values()))
            case "LIST" | "UIDL":
                number = int(argument)
                value = program.uidl(number) if verb == "UIDL" else b"%d" % octets.get(number, 0)
                assert line == b"+OK %d %s" % (number, value) if number in octets else line[:4] == b"-ERR"
            case "DELE":
                number = int(argument)
                assert line[:3] == (b"+OK" if number in octets else b"-ER")
                if number in octets:
                    program.deleted.add(number)
            case "LAST":
                assert line == b"+OK %d" % program.last
            case "RSET":
                assert line == b"+OK"
                program.deleted.clear()
                program.last = 0
            case _:
                assert line == b"+OK"
        return rest

    def check_body(self, verb: str, number: int, got: bytes) -> bytes:
        uidl = self.program.uidl(number)
        head, _, rest = got.partition(b"\r\n")
        if uidl is None or uidl in self.taken:
            assert head[:4] == b"-ERR"
            return rest
        assert head[:3] == b"+OK"
        stuffed, end, rest = (b"\r\n" + rest).partition(b"\r\n.\r\n")
        body = re.sub(rb"(?m)^\.\.", b".", stuffed[2:] + b"\r\n" if stuffed else b"")
        assert end
        assert body == self.all[uidl]
        if verb == "RETR":
            self.program.last = max(self.program.last, number)
        return rest

    # -- ends of a session ---------------------------------------------------------------

    def deleted_now(self) -> dict[bytes, float]:
        return {self.program.uidls[n - 1]: self.now for n in self.program.deleted}

    def over(self) -> None:
        self.link = None
        for uidl in [uidl for uidl in self.kept if uidl not in self.mail.views.get(VIEW, {})]:
            self.check_that_it_may_go(uidl)
            del self.kept[uidl]

    def check_that_it_may_go(self, uidl: bytes) -> None:
        """The proxy knows nothing more of it: it is gone from the server."""
        assert uidl not in self.mailbox.messages

    @precondition(lambda self: self.link is not None)
    @rule()
    def the_program_quits(self) -> None:
        assert self.link is not None
        assert self.link.say(b"QUIT\r\n").startswith(b"+OK")
        assert self.link.closed
        self.kept |= self.deleted_now()
        self.over()

    @precondition(lambda self: self.link is not None)
    @rule(side=st.sampled_from(Side), half=st.booleans())
    def the_connection_is_lost(self, side: Side, half: bool) -> None:
        assert self.link is not None
        if half:
            self.link.send_only(b"STAT\r\nRETR 1\r\nDEL")
        self.link.lose(side)
        self.link.serve()
        assert self.link.closed
        self.over()

    @precondition(lambda self: self.link is not None)
    @rule(answered=st.integers(0, 4), side=st.sampled_from(Side))
    def the_connection_is_lost_while_quitting(self, answered: int, side: Side) -> None:
        assert self.link is not None
        before = dict(self.kept)
        self.link.send_only(b"QUIT\r\n")
        self.link.serve(answered)
        self.link.lose(side)
        self.link.serve()
        # Whether it was in time is known to the memory alone; but it is all, or nothing.
        remembered = self.mail.views.get(VIEW, {}).keys() - before.keys()
        marked = self.deleted_now()
        assert remembered in (set(), marked.keys() - before.keys())
        if marked and (remembered or not marked.keys() - before.keys()):
            self.kept |= marked
        self.over()

    # -- what is always true -------------------------------------------------------------

    @invariant()
    def no_message_is_lost(self) -> None:
        KeptMail.steps += 1
        for uidl, body in self.all.items():
            if uidl in self.mailbox.messages:
                assert self.mailbox.messages[uidl] == body
            elif uidl not in self.taken:
                assert self.expires, f"{uidl!r} was deleted on the server"
                since = self.mail_since.get(uidl)
                assert since is not None, f"{uidl!r} was deleted on the server, and no program deleted it"
                assert since + KEEP_FOR <= self.now

    @property
    def mail_since(self) -> dict[bytes, float]:
        return self.__dict__.setdefault("_since", {})

    @invariant()
    def it_is_known_since_when_mail_is_kept(self) -> None:
        self.mail_since.update(self.kept)


def test_no_program_loses_a_message() -> None:
    """In CI 100,000 steps are walked, elsewhere a few thousand: a command, or something that happens.

    In CI the walks are the same each time, elsewhere they are new ones.
    """
    in_ci = bool(os.environ.get("CI"))
    wanted, size = (100_000, 50) if in_ci else (4_000, 50)
    KeptMail.steps = 0
    walk = 0 if in_ci else random.getrandbits(32)
    while KeptMail.steps < wanted:  # an example may be shorter than it could be
        walk += 1
        run_state_machine_as_test(
            seed(walk)(KeptMail),
            settings=settings(
                max_examples=wanted // size // 8,
                stateful_step_count=size,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


@pytest.mark.parametrize("lost", [b"u1"])
def test_the_model_notices_a_lost_message(lost: bytes) -> None:
    machine = KeptMail()
    machine.begin(expires=False, pipelining=True)
    machine.mail_arrives([b"a"])
    machine.mail_arrives([b"b"])
    machine.no_message_is_lost()
    del machine.mailbox.messages[lost]
    with pytest.raises(AssertionError, match="was deleted on the server"):
        machine.no_message_is_lost()
