"""Comments of ours are written so that they can be read again; all others are passed over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.capture.comments import LONGEST, Remark, read, write


def test_written_and_read() -> None:
    comment = write("login", user="änn", mechanism="", tls=False, bits=0, cipher=None)
    assert comment == 'mailproxy login {"user":"änn","tls":false,"bits":0}'
    assert read(comment) == Remark("login", {"user": "änn", "tls": False, "bits": 0})


@given(
    fields=st.dictionaries(
        st.sampled_from(["verb", "text", "why", "rule"]),
        st.text(st.characters(), max_size=40) | st.integers(-(2**63), 2**63 - 1),
    ),
    times=st.sampled_from([1, 1000]),
)
def test_whatever_is_written_can_be_read_and_is_not_too_long(fields: dict[str, Any], times: int) -> None:
    fields = {name: value * times if isinstance(value, str) else value for name, value in fields.items()}
    comment = write("verdict", **fields)
    assert len(comment.encode()) <= LONGEST
    found = read(comment)
    assert found is not None
    assert found.fields.keys() == {name for name, value in fields.items() if value != ""}


def test_a_long_text_is_cut_and_the_short_ones_stay() -> None:
    found = read(write("verdict", verb="UID FETCH", text="1," * 30_000, rule="r"))
    assert found is not None
    assert found.fields["text"].startswith("1,1,")
    assert found.fields["text"].endswith("…")
    assert (found.fields["verb"], found.fields["rule"]) == ("UID FETCH", "r")


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "a comment",
        "mailproxy",
        "mailproxy login",
        "mailproxy login {",
        "mailproxy login []",
        'mailproxy login {"user":}',
        'mailproxy login {"user":"\udcff"}',
        "mailproxy login " + '{"a":' * 3000 + "1" + "}" * 3000,
        'mailproxy login {"user":"' + "x" * LONGEST + '"}',
        "Mailproxy login {}",
    ],
)
def test_what_is_no_comment_of_ours(comment: str) -> None:
    assert read(comment) is None


@given(st.text(st.characters()))
def test_reading_never_raises(rest: str) -> None:
    read(f"mailproxy {rest}")
    read(f"mailproxy x {{{rest}}}")
