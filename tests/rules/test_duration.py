"""Lengths of time as people write them."""

from __future__ import annotations

import pytest

from mailproxy.rules.duration import LONGEST, BadDuration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("90s", 90),
        ("10m", 600),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("007s", 7),
        ("36500d", LONGEST),
    ],
)
def test_lengths(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "d", "1.5h", "-1d", "+1d", "1 d", " 1d", "1d\n", "1D", "1h30m", "٣d"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(
        BadDuration, match=r"is no length of time; write a number and s, m, h, d or w"
    ) as caught:
        parse_duration(text)
    assert str(caught.value).isprintable()
    assert str(caught.value) == f"{caught.value.cause}; {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [("0s", '"0s" is too short'), ("0w", "too short"), ("36501d", "too long"), ("999999999999w", "too long")],
)
def test_what_is_out_of_range(text: str, cause: str) -> None:
    with pytest.raises(ValueError, match=f"{cause}; from 1s to 36500d"):
        parse_duration(text)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(BadDuration) as caught:
        parse_duration("9" * 10_000)
    assert len(str(caught.value)) < 120
