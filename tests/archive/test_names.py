"""Folder names for names that anybody may have chosen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.archive.names import LONGEST, safe_name, shown_name

NAMES = st.text() | st.text(alphabet="./%-~ab\0", max_size=300)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("aiko@example.jp", "aiko@example.jp"),
        ("a.b_c+d-e", "a.b_c+d-e"),
        ("", "%"),
        (".", "%2E"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("-rf", "%2Drf"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
        ("a\0b\n", "a%00b%0A"),
        ("100%", "100%25"),
        ("愛子", "%E6%84%9B%E5%AD%90"),
        ("\udcff", "%ED%B3%BF"),
    ],
)
def test_names(name: str, folder: str) -> None:
    assert safe_name(name) == folder


@given(NAMES)
def test_a_name_is_one_folder_and_no_way_out(name: str) -> None:
    folder = safe_name(name)
    assert re.fullmatch(r"[A-Za-z0-9@_+%][A-Za-z0-9@._+%~-]*", folder)
    assert len(folder) <= LONGEST


@given(NAMES, NAMES)
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) is (one == other)


@given(st.text(alphabet="ab./%é愛 ", max_size=9))
def test_what_was_not_cut_can_be_read_again(name: str) -> None:
    assert shown_name(safe_name(name)) == name


def test_long_names_differ_in_their_hash() -> None:
    folders = {safe_name("x" * 500 + end) for end in "abc"}
    assert len(folders) == 3
    assert all(shown_name(folder) == "x" * 78 + "…" for folder in folders)
