"""Which conversations are wanted."""

from __future__ import annotations

import pytest

from mailproxy.capture.choosing import Choice, Users
from mailproxy.capture.conversations import Began
from tests.capture.talks import Talk, items, overlapping

LOGIN = "S: +OK\nC: USER {0}\nS: +OK\nC: PASS x\nS: +OK\nC: QUIT"
CLIENT = Talk("pop3", LOGIN.format("aiko"), session="s1", leg="client", number=1)
SERVER = Talk("pop3", LOGIN.format("aiko"), session="s1", leg="server", number=2)
OTHER = Talk("pop3", LOGIN.format("bo"), session="s2", leg="client", number=3)
FOREIGN = Talk("pop3", LOGIN.format("aiko"), number=4)
FOUR = overlapping(CLIENT, SERVER, OTHER, FOREIGN)


@pytest.mark.parametrize(
    ("number", "leg", "user", "wanted"),
    [
        (None, None, None, {1, 3, 4}),
        (None, "both", None, {1, 2, 3, 4}),
        (None, "server", None, {2, 4}),
        (1, None, None, {1}),
        (2, None, None, {2}),
        (1, "both", None, {1, 2}),
        (1, "server", None, {2}),
        (4, "server", None, {4}),
        (4, "both", None, {4}),
        (9, "both", None, set()),
        (None, None, "aiko", {1, 4}),
        (None, "both", "aiko", {1, 2, 4}),
        (None, None, "bo", {3}),
        (3, None, "aiko", set()),
        (None, None, "nobody", set()),
    ],
)
def test_choice(number: int | None, leg: str | None, user: str | None, wanted: set[int]) -> None:
    choice = Choice(number, leg, None if user is None else Users(user, FOUR))
    conversations = [item.conversation for item in FOUR if isinstance(item, Began)]
    chosen = [conversation.number for conversation in conversations if choice.wants(conversation)]
    assert set(chosen) == wanted
    assert choice.found == len(chosen) == len(wanted)


@pytest.mark.parametrize("word", ["login", "login_failed", "end"])
def test_the_proxy_knows_users_too(word: str) -> None:
    talk = Talk("imap", f'S: * OK\n! {word} {{"user": "aiko"}}', session="s1", leg="client")
    assert Users("aiko", items(talk)).have(items(talk)[0].conversation)
    assert not Users("bo", items(talk)).have(items(talk)[0].conversation)
