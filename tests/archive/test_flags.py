"""Flags and letters."""

from __future__ import annotations

import pytest

from mailproxy.archive.flags import flags_of, letters_of, restored_flags


@pytest.mark.parametrize(
    ("flags", "letters"),
    [
        ((), ""),
        (("\\Seen",), "S"),
        (("\\seen", "\\FLAGGED", "\\Answered", "\\Draft", "\\Seen"), "DFRS"),
        (("\\Deleted", "\\Recent", "$Forwarded"), ""),
    ],
)
def test_letters(flags: tuple[str, ...], letters: str) -> None:
    assert letters_of(flags) == letters


def test_what_comes_back_is_not_deleted_again() -> None:
    assert restored_flags(("\\DELETED", "\\Seen", "\\Recent", "$Work")) == ("\\Seen", "$Work")


@pytest.mark.parametrize(
    ("file", "flags"),
    [
        ("a/b/new/1.x,S=5", ()),
        ("a/b/cur/1.x,S=5:2,", ()),
        ("a/b/cur/1.x,S=5:2,DRSx", ("\\Draft", "\\Answered", "\\Seen")),
    ],
)
def test_flags_of_a_file(file: str, flags: tuple[str, ...]) -> None:
    assert flags_of(file) == flags
