"""On which line of a TOML text a key stands."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.config.locate import line_of

LINES = '''\
a.b = 1
"c d" = { e = [1, 2], f."g]" = "}" } # [h]
[[i]]
j = """
[k]
\\""" = 1
"""
[i.l]
m = [
  "]",
  { n = 1 },
]
[[i]]
[[i.o]]
p = \'\'\'
q = 1\'\'\'
[r.s]
t = 1979-05-27T07:32:00.5Z
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a", "b"), 1),
        (("c d", "e", 1), 2),
        (("c d", "f", "g]"), 2),
        (("i", 0), 3),
        (("i", 0, "j"), 4),
        (("i", 0, "l", "m"), 9),
        (("i", 0, "l", "m", 1, "n"), 11),
        (("i", 1), 13),
        (("i", 1, "o", 0), 14),
        (("i", 1, "o", 0, "p"), 15),
        (("r", "s", "t"), 18),
        (("r", "s", "unknown"), 17),
        (("k",), 0),
        (("h",), 0),
        (("q",), 0),
    ],
)
def test_lines(path: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(LINES)
    assert line_of(LINES, path) == line


@pytest.mark.parametrize(
    "text", ["", "= 1", "[", "[[", "a = [", "a = {b = ", '"', "a", "[" * 9000, "a = " + "[" * 9000]
)
def test_a_text_that_is_no_toml_has_some_line_or_none(text: str) -> None:
    assert line_of(text, ("a",)) in (0, 1)


@given(st.text(alphabet="ab[]{}=.,\"'\n#\\ 1", max_size=40))
def test_no_text_raises(text: str) -> None:
    assert 0 <= line_of(text, ("a", 0, "b")) <= text.count("\n") + 1
