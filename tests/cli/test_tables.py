"""Rows for people, for pipes and for programs."""

from __future__ import annotations

import json

import pytest

from mailproxy.cli import tables
from mailproxy.cli.tables import counted, print_json, print_table, size_of, time_of, utc
from tests.cli.calling import columns

ROWS = [("a", "b[red]c[/red]"), ("\x1b[2J\t\n", "é\u202e\x9b\udcff")]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "on_terminal", lambda: True)


def test_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("one", "two"), ROWS)
    assert capsys.readouterr().out == "a\tb[red]c[/red]\n\\x1b[2J\\t\\n\té\\u202e\\x9b\\udcff\n"


def test_on_a_terminal(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("one", "two"), ROWS)
    text = capsys.readouterr().out
    assert columns(text) == [["a", "b[red]c[/red]"], ["\\x1b[2J\\t\\n", "é\\u202e\\x9b\\udcff"]]
    assert "one" in text
    assert text.replace("\n", "").isprintable()


def test_nothing_is_cut_off(
    terminal: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_table(("one", "two"), [("000000016b02f8ec", "000000016b02f902")])
    text = capsys.readouterr().out
    assert ["".join(cells) for cells in zip(*columns(text), strict=True)] == [
        "000000016b02f8ec",
        "000000016b02f902",
    ]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    value = [{"name": "\x1b\x7f\x9b\u202eé\udcff", "number": 5}]
    print_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert text.isascii()
    assert text.replace("\n", "").isprintable()


def test_times_and_sizes_in_a_pipe() -> None:
    assert utc(1_700_000_000.9) == "2023-11-14T22:13:20+00:00"
    assert time_of(1_700_000_000.9) == "2023-11-14T22:13:20+00:00"
    assert size_of(1_234_567) == "1234567"


def test_sizes_on_a_terminal(terminal: None) -> None:
    assert [size_of(octets) for octets in (0, 999, 1500, 1_234_567)] == [
        *("0 bytes", "999 bytes", "1.5 kB", "1.2 MB")
    ]


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_counted(number: int, text: str) -> None:
    assert counted(number, "row") == text
