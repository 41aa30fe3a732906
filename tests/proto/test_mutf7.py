"""Mailbox names in modified UTF-7 (RFC 3501 §5.1.3)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.mutf7 import decode_mutf7


def encoded(name: str) -> str:
    """The shortest way to write a name, made another way than the module reads it."""
    out, run = "", ""
    for letter in name + "\0":
        if " " <= letter <= "~" or letter == "\0":
            if run:
                out += (
                    "&"
                    + base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
                    + "-"
                )
                run = ""
            out += {"&": "&-", "\0": ""}.get(letter, letter)
        else:
            run += letter
    return out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 §5.1.3
        (b"Entw&APw-rfe", "Entwürfe"),
        ("R&-D", "R&D"),
        ("&AFQAcgBhAHMAaA-", "Trash"),  # needlessly encoded: still Trash for a rule
        ("&Jjo!", "&Jjo!"),  # RFC 3501: not a legal name; stays
        ("&AGEA-", "&AGEA-"),  # half a character
        ("&2AA-", "&2AA-"),  # half of a surrogate pair
        ("a&", "a&"),
        ("Entwürfe".encode(), "Entwürfe"),
        (b"x\xff", "x\\xff"),
    ],
)
def test_known(name: str | bytes, text: str) -> None:
    assert decode_mutf7(name) == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_round_trip(name: str) -> None:
    assert decode_mutf7(encoded(name)) == name


@given(st.binary())
def test_any_octets_give_text(name: bytes) -> None:
    decode_mutf7(name).encode()
