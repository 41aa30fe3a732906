"""JSON that is printed while it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mailproxy.cli.json_lines import print_list, print_members


@pytest.mark.parametrize("values", [[], [1], [{"a": "\x1b\x7f\u202eé\udcff"}, None, "x"]])
def test_a_list(values: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    print_list(iter(values))
    text = capsys.readouterr().out
    assert json.loads(text) == values
    assert text.replace("\n", "").isprintable()
    assert text.isascii()


def test_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    print_members([("rows", iter([{"n": 1}, {"n": 2}])), ("none", iter([])), ("plain", {"x": [3]})])
    text = capsys.readouterr().out
    assert json.loads(text) == {"rows": [{"n": 1}, {"n": 2}], "none": [], "plain": {"x": [3]}}
    assert '    {"n": 1},\n    {"n": 2}\n' in text


def test_it_is_printed_while_it_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    seen = []

    def values() -> Iterator[int]:
        for number in range(3):
            seen.append(capsys.readouterr().out)
            yield number

    print_list(values())
    assert [text.strip() for text in seen] == ["", "[\n  0", ",\n  1"]
