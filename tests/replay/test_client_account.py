"""Passwords, and how they are found again."""

from __future__ import annotations

import base64

import pytest

from mailproxy.replay.client_account import Account, Secrets

PASSWORD = 'tea"Party\\31'


@pytest.mark.parametrize(
    "said",
    [
        f"you said {PASSWORD}!",
        'you said "tea\\"Party\\\\31"',
        *(
            base64.b64encode(b"x" * before + PASSWORD.encode() + b"y" * after).decode()
            for before in range(4)
            for after in range(3)
        ),
    ],
)
def test_nothing_of_it_is_shown(said: str) -> None:
    shown = Secrets(Account("aiko", PASSWORD)).conceal(said)
    assert "*" in shown
    assert "Party" not in shown
    longest = max(shown.split("*"), key=len)
    assert len(longest) < 12
    assert len(shown) == len(said)


def test_nothing_to_hide() -> None:
    assert Secrets(None).conceal("a") == Secrets(Account("a", "")).conceal("a") == "a"


def test_no_repr_tells_it() -> None:
    account = Account("aiko", PASSWORD)
    assert "Party" not in repr(account) + str(account) + repr(Secrets(account))
