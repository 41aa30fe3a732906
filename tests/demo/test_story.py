"""The story must come true with the shipped rule, and must fail wherever mail is not kept as it should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mailproxy.demo.kept import KeptInStore, KeptMail
from mailproxy.demo.mailbox import Account
from mailproxy.demo.outcome import Outcome
from mailproxy.demo.scene import proxy_before, shipped_rule
from mailproxy.demo.story import Endpoints, ServerEars, Story
from mailproxy.demo.world import ARRIVING, PASSWORD, SENT, STORED, USER, servers
from mailproxy.guards.memory import MemoryFailed
from mailproxy.store.kept import KeptRow
from tests.demo.answering_proxy import Change, answering_proxy, spoiling

ARRIVED, ONCE, TOLD, NO_SECOND, UNHEARD, IMAP, LISTED, RESTORED = CLAIMS = range(8)


class Notebook:
    """A stage that writes everything down."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.lines: list[tuple[str, str, str]] = []
        self.notes: list[tuple[str, str]] = []

    async def act(self, number: int, title: str, sentence: str) -> None:
        self.acts.append(f"{number}. {title}")

    async def line(self, program: str, who: str, text: str) -> None:
        self.lines.append((program, who, text))

    async def note(self, whose: str, text: str) -> None:
        self.notes.append((whose, text))


class NothingKept:
    """Where nothing is kept."""

    async def listing(self) -> Sequence[KeptRow]:
        return ()

    async def restore(self) -> int:
        return 0


class Theatre:
    """One account and one stage; a story is played on them once."""

    def __init__(self, password: str = PASSWORD) -> None:
        self.account = Account(USER, password, STORED)
        self.ears = ServerEars()
        self.stage = Notebook()

    async def play(self, where: Endpoints, kept: KeptMail | None = None) -> Outcome:
        story = Story(self.account, self.ears, where, kept or NothingKept(), self.stage)
        return await story.play(SENT, ARRIVING)

    async def play_with_the_rule(
        self, folder: Path, change: Change = lambda data: data, kept: KeptMail | None = None
    ) -> Outcome:
        """Before the real proxy; ``change`` spoils what the mail server says to it."""
        async with (
            servers(self.account, self.ears) as ports,
            spoiling(ports, change) as spoiled,
            proxy_before(spoiled, folder, shipped_rule()) as (config, where),
        ):
            return await self.play(where, kept or KeptInStore(config.store.url, USER))

    def notes_of(self, whose: str) -> list[str]:
        return [text for name, text in self.stage.notes if name == whose]


@pytest.fixture
def theatre() -> Theatre:
    return Theatre()


def failed(outcome: Outcome) -> set[int]:
    """Which claims did not come true."""
    assert len(outcome.checks) == len(CLAIMS), outcome
    return {number for number, check in enumerate(outcome.checks) if not check.held}


async def test_with_the_rule_it_comes_true(theatre: Theatre, tmp_path: Path) -> None:
    outcome = await theatre.play_with_the_rule(tmp_path)
    assert outcome.came_true, outcome
    assert failed(outcome) == set()
    assert [run.messages for run in outcome.runs] == [[*STORED, SENT], [], [ARRIVING]]
    assert (outcome.asked, outcome.accepted) == (4, 4)
    assert (outcome.seen_by_imap, len(outcome.kept), outcome.restored) == (4, 4, 4)
    assert [message.octets for message in theatre.account.inbox.messages] == [*STORED, SENT, ARRIVING]
    assert len(theatre.stage.acts) == 6


async def test_what_is_told_of_it(theatre: Theatre, tmp_path: Path) -> None:
    await theatre.play_with_the_rule(tmp_path)
    said = theatre.notes_of("mailproxy")
    assert sum("answered here: the mail server never heard" in text for text in said) == 4
    assert "QUIT: 3 messages are kept from here on, and hidden from POP3" in said
    assert theatre.notes_of("kept list")[1] == f"1.2, {len(STORED[1])} octets, by pop3-keep"
    assert theatre.notes_of("kept restore") == ["4 messages are seen again from the next session on"]
    logins = [text for program, who, text in theatre.stage.lines if text == "PASS ***"]
    assert len(logins) == 1, "later runs are shown from STAT on"


async def test_without_a_proxy_the_mail_vanishes(theatre: Theatre) -> None:
    async with servers(theatre.account, theatre.ears) as ports:
        outcome = await theatre.play(ports.endpoints())
    assert outcome.trouble == ""
    # The other claims are true of the loss, too.
    assert failed(outcome) == {UNHEARD, IMAP, LISTED, RESTORED}
    assert (outcome.accepted, outcome.seen_by_imap) == (4, 0)
    assert theatre.account.inbox.messages == []
    assert all("vanish" in text for text in theatre.notes_of("mailproxy"))
    assert theatre.notes_of("kept list") == ["nothing is kept, so nothing can come back"]


@pytest.mark.parametrize(
    ("answer", "not_true", "told"),
    [
        (b"-ERR [SYS/PERM] no\r\n", {ONCE, TOLD, NO_SECOND, LISTED, RESTORED}, " refused here: "),
        (b"+OK\r\n", {ONCE, NO_SECOND, TOLD, LISTED, RESTORED}, " answered here: "),
    ],
)
async def test_a_refusal_is_not_enough_and_neither_is_a_lie(
    answer: bytes, not_true: set[int], told: str, theatre: Theatre, tmp_path: Path
) -> None:
    """A proxy that hides nothing makes the program download everything again, at each run."""
    async with (
        servers(theatre.account, theatre.ears) as ports,
        answering_proxy(ports, tmp_path, answer) as where,
    ):
        outcome = await theatre.play(where)
    assert failed(outcome) == not_true
    assert [len(run.messages) for run in outcome.runs] == [3, 3, 4]
    assert all(told in text for text in theatre.notes_of("mailproxy"))


@pytest.mark.parametrize(
    ("change", "not_true"),
    [
        (lambda data: data.replace(b"only copy", b"0nly copy"), {ONCE, IMAP}),
        (lambda data: data.replace(b"\r\n..\r\n", b"\r\n...\r\n"), {ARRIVED, ONCE}),
        # Two messages with one unique-id: they can be neither told apart nor kept.
        (lambda data: data.replace(b"\r\n2 1.2\r\n", b"\r\n2 1.1\r\n"), {ONCE, TOLD, NO_SECOND, LISTED}),
    ],
)
async def test_a_server_that_spoils_it_is_noticed(
    change: Change, not_true: set[int], theatre: Theatre, tmp_path: Path
) -> None:
    outcome = await theatre.play_with_the_rule(tmp_path, change)
    assert not outcome.came_true
    assert failed(outcome) == not_true


async def test_a_list_that_lacks_one_is_noticed(theatre: Theatre, tmp_path: Path) -> None:
    class OneShort(KeptInStore):
        async def listing(self) -> Sequence[KeptRow]:
            return (await super().listing())[1:]

    kept = OneShort(f"sqlite:///{tmp_path}/state/mailproxy.db", USER)
    assert failed(await theatre.play_with_the_rule(tmp_path, kept=kept)) == {LISTED}


async def test_a_restore_that_does_nothing_is_noticed(theatre: Theatre, tmp_path: Path) -> None:
    class Idle(KeptInStore):
        async def restore(self) -> int:
            return 4

    kept = Idle(f"sqlite:///{tmp_path}/state/mailproxy.db", USER)
    assert failed(await theatre.play_with_the_rule(tmp_path, kept=kept)) == {RESTORED}


async def test_a_store_that_fails_ends_the_story(theatre: Theatre, tmp_path: Path) -> None:
    class Failing(NothingKept):
        async def listing(self) -> Sequence[KeptRow]:
            raise MemoryFailed("the disk is full")

    outcome = await theatre.play_with_the_rule(tmp_path, kept=Failing())
    assert not outcome.came_true
    assert outcome.trouble == "MemoryFailed: the disk is full"


@pytest.mark.parametrize(
    ("said", "instead", "trouble"),
    [
        (b"235 2.7.0", b"535 5.7.8", "Refused: expected 235, got: 535 5.7.8 logged in"),
        (b"+OK logged in", b"-ERR \x1b[2J", r"Refused: expected +OK, got: -ERR \x1b[2J"),
        (b"+OK bye", b"-ERR no", "Refused: expected +OK, got: -ERR no"),
    ],
)
async def test_a_refusal_ends_the_story(
    said: bytes, instead: bytes, trouble: str, theatre: Theatre, tmp_path: Path
) -> None:
    outcome = await theatre.play_with_the_rule(tmp_path, lambda data: data.replace(said, instead))
    assert not outcome.came_true
    assert outcome.trouble == trouble


async def test_nobody_there_ends_the_story(theatre: Theatre) -> None:
    async with servers(theatre.account, theatre.ears) as ports:
        pass
    outcome = await theatre.play(ports.endpoints())
    assert not outcome.came_true
    assert outcome.trouble.startswith("OSError: ")


async def test_a_certificate_of_somebody_else_ends_the_story(theatre: Theatre, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    async with servers(theatre.account, theatre.ears) as ports:
        async with answering_proxy(ports, other, b"+OK\r\n"):
            pass
        async with answering_proxy(ports, one, b"+OK\r\n") as where:
            (one / "ca.pem").write_bytes((other / "ca.pem").read_bytes())
            outcome = await theatre.play(where)
    assert not outcome.came_true
    assert "certificate verify failed" in outcome.trouble


async def test_no_line_shows_the_password(tmp_path: Path) -> None:
    theatre = Theatre("zq-secret")
    assert (await theatre.play_with_the_rule(tmp_path)).came_true
    texts = [text for *_, text in theatre.stage.lines] + [text for _, text in theatre.stage.notes]
    shown = " ".join(texts)
    assert "PASS ***" in shown
    assert "zq-secret" not in shown
    assert "enEtc2VjcmV0" not in shown
    assert "LXNlY3JldA" not in shown
    assert "AUTH PLAIN ***" in shown
