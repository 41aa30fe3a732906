"""The story must come true behind a proxy that refuses DELE, and must fail in every other case."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.demo.mailbox import Account
from mailproxy.demo.story import Endpoints, Outcome, ServerEars, Story
from mailproxy.demo.world import PASSWORD, SENT, STORED, USER, servers
from tests.demo.blocking_proxy import Change, blocking_proxy


class Notebook:
    """A stage that writes everything down."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.lines: list[tuple[str, str, str]] = []
        self.verdicts: list[str] = []

    async def act(self, number: int, title: str, sentence: str) -> None:
        self.acts.append(f"{number}. {title}")

    async def line(self, program: str, who: str, text: str) -> None:
        self.lines.append((program, who, text))

    async def verdict(self, text: str) -> None:
        self.verdicts.append(text)


class Theatre:
    """One account and one stage; a story is played on them once."""

    def __init__(self) -> None:
        self.account = Account(USER, PASSWORD, STORED)
        self.ears = ServerEars()
        self.stage = Notebook()

    async def play(self, where: Endpoints) -> Outcome:
        return await Story(self.account, self.ears, where, self.stage).play(SENT)

    async def play_behind_proxy(self, folder: Path, change: Change = lambda data: data) -> Outcome:
        async with servers(self.account, self.ears) as ports, blocking_proxy(ports, folder, change) as where:
            return await self.play(where)


@pytest.fixture
def theatre() -> Theatre:
    return Theatre()


def held(outcome: Outcome) -> list[bool]:
    return [check.held for check in outcome.checks]


async def test_behind_a_proxy_that_refuses_dele_it_comes_true(theatre: Theatre, tmp_path: Path) -> None:
    outcome = await theatre.play_behind_proxy(tmp_path)
    assert outcome.came_true, outcome
    assert held(outcome) == [True] * 5
    assert outcome.pop3.messages == [*STORED, SENT]
    assert (outcome.pop3.asked, outcome.pop3.accepted, outcome.seen_by_imap) == (3, 0, 3)
    assert len(theatre.stage.acts) == 3
    assert len(theatre.stage.verdicts) == 3
    assert all(" refused here: " in verdict for verdict in theatre.stage.verdicts)


async def test_without_a_proxy_the_mail_vanishes(theatre: Theatre) -> None:
    async with servers(theatre.account, theatre.ears) as ports:
        outcome = await theatre.play(ports.endpoints())
    assert not outcome.came_true
    assert outcome.trouble == ""
    # All but the last two claims are true of the loss, too.
    assert held(outcome) == [True, True, True, False, False]
    assert (outcome.pop3.accepted, outcome.seen_by_imap) == (3, 0)
    assert theatre.account.inbox.messages == []
    assert all("vanish" in verdict for verdict in theatre.stage.verdicts)


@pytest.mark.parametrize(
    ("change", "claims"),
    [
        (lambda data: data.replace(b"only copy", b"0nly copy"), [True, False, True, True, False]),
        (lambda data: data.replace(b"\r\n..\r\n", b"\r\n...\r\n"), [False, False, True, True, True]),
    ],
)
async def test_one_changed_byte_is_noticed(
    change: Change, claims: list[bool], theatre: Theatre, tmp_path: Path
) -> None:
    outcome = await theatre.play_behind_proxy(tmp_path, change)
    assert not outcome.came_true
    assert held(outcome) == claims


@pytest.mark.parametrize(
    ("said", "instead", "trouble"),
    [
        (b"235 2.7.0", b"535 5.7.8", "Refused: expected 235, got: 535 5.7.8 logged in"),
        (b"+OK logged in", b"-ERR \x1b[2J", r"Refused: expected +OK, got: -ERR \x1b[2J"),
    ],
)
async def test_a_refusal_ends_the_story(
    said: bytes, instead: bytes, trouble: str, theatre: Theatre, tmp_path: Path
) -> None:
    outcome = await theatre.play_behind_proxy(tmp_path, lambda data: data.replace(said, instead))
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
        async with blocking_proxy(ports, other):
            pass
        async with blocking_proxy(ports, one) as where:
            (one / "ca.pem").write_bytes((other / "ca.pem").read_bytes())
            outcome = await theatre.play(where)
    assert not outcome.came_true
    assert "certificate verify failed" in outcome.trouble


async def test_no_line_shows_the_password(tmp_path: Path) -> None:
    theatre = Theatre()
    theatre.account = Account(USER, "zq-secret", STORED)
    assert (await theatre.play_behind_proxy(tmp_path)).came_true
    shown = " ".join(text for _, _, text in theatre.stage.lines)
    assert "PASS ***" in shown
    assert "zq-secret" not in shown
    assert "enEtc2VjcmV0" not in shown
    assert "LXNlY3JldA" not in shown
    assert "AUTH PLAIN ***" in shown


async def test_an_empty_outcome_is_no_success() -> None:
    assert not Outcome().came_true
