"""What is said of a rule file that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.rules.errors import RuleError, did_you_mean


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RuleError(Path("r.toml"), 3, "no", "say yes"), "r.toml:3: no; say yes"),
        (RuleError("r.toml", 3, "no"), "r.toml:3: no"),
        (RuleError("r.toml", 0, "no"), "r.toml: no"),
    ],
)
def test_the_text(error: RuleError, text: str) -> None:
    assert str(error) == text
    assert (error.file, error.cause) == ("r.toml", "no")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("DELETE", 'did you mean "DELE"?'),
        ("quit", 'did you mean "QUIT"?'),
        ("zzz", "known: DELE, QUIT"),
        ("D" * 10_000, "known: DELE, QUIT"),
    ],
)
def test_the_nearest_word(word: str, hint: str) -> None:
    assert did_you_mean(word, {"QUIT", "DELE"}) == hint
