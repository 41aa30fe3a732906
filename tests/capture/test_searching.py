"""Texts are found wherever they stand, and however the octets were cut."""

from __future__ import annotations

import pytest

from mailproxy.capture.searching import AROUND, Search
from tests.capture.talks import Cut, Talk, byte_by_byte, items, overlapping, whole

SAID = """
    S: +OK ready
    C: USER aiko
    S: +OK
    C: PASS geheim
    S: +OK
    C: RETR 1
    S: +OK
    S: Subject: Hello hello
    S: \\x20
    S: hello again
    S: grün HELLO
    S: last line
    S: .
    C: QUIT
"""


def found(
    wanted: str, *, any_case: bool = False, secrets: bool = False, cut: Cut = whole, said: str = SAID
) -> list[str]:
    search = Search(wanted.encode(), any_case=any_case, secrets=secrets)
    hits = search.hits(items(Talk("pop3", said), cut=cut))
    return [f"{hit.side.name[0] if hit.side is not None else '-'} {hit.text}" for hit in hits]


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
@pytest.mark.parametrize(
    ("wanted", "any_case", "lines"),
    [
        ("hello", False, ["S Subject: Hello hello", "S hello again"]),
        ("hello", True, ["S Subject: Hello hello", "S hello again", "S grün HELLO"]),
        ("HELLO", True, ["S Subject: Hello hello", "S hello again", "S grün HELLO"]),
        ("grün", False, ["S grün HELLO"]),
        ("aiko", False, ["C USER aiko"]),
        ("ready", False, ["S +OK ready"]),
        ("QUIT", False, ["C QUIT"]),
        ("line.", False, []),
        ("nothing", True, []),
    ],
)
def test_lines_are_found_once(wanted: str, any_case: bool, lines: list[str], cut: Cut) -> None:
    assert found(wanted, any_case=any_case, cut=cut) == lines


def test_secrets_are_not_searched_unless_asked() -> None:
    assert found("geheim") == []
    assert found("PASS ***") == ["C PASS ******"]
    assert found("geheim", secrets=True) == ["C PASS geheim"]


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_of_a_long_line_what_is_around_is_shown(cut: Cut) -> None:
    said = f"S: +OK {'a' * 5000}needle{'b' * 5000} needle"
    assert found("needle", said=said, cut=cut) == [f"S {'a' * AROUND}needle{'b' * AROUND}"]


def test_a_text_does_not_reach_over_a_gap() -> None:
    said = SAID.replace("S: last line", "S: last\\\n    gap S 5\n    S: line")
    assert found("lastline", said=said) == []
    assert found("last", said=said) == ["S last"]


def test_a_line_that_never_ends() -> None:
    assert (
        found("cut off", said="S: +OK\nC: USER cut off here\\") == []
    )  # what cannot be read is not searched
    assert found("+OK", said="S: +OK\ngap S 5\nS: +OK") == ["S +OK"]


def test_streams_are_not_mixed() -> None:
    one, two = (Talk("pop3", "S: +OK\nC: USER nee\\\nC: dle", number=number) for number in (1, 2))
    hits = list(Search(b"needle").hits(overlapping(one, two)))
    assert [(hit.conversation.number, hit.text) for hit in hits] == [(1, "USER needle"), (2, "USER needle")]


def test_where_and_when() -> None:
    [hit] = Search(b"again").hits(items(Talk("pop3", SAID)))
    assert (hit.kind, hit.exchange, hit.frame) == ("body", 3, 10)
    assert hit.time == pytest.approx(hit.conversation.started + 1.0)


def test_remarks_are_found_as_they_are_shown() -> None:
    verdict = '! verdict {"verdict": "keep", "rule": "pop3-keep", "why": "Read elsewhere\\ud800"}\n'
    talk = Talk("pop3", f'{SAID}S: +OK\n! login {{"user": "bo"}}\n{verdict}', session="s")
    for wanted, any_case in ((b"keep", False), (b"read ELSE", True), (b"by pop3", False)):
        [hit] = Search(wanted.lower() if any_case else wanted, any_case=any_case).hits(items(talk))
        assert (hit.side, hit.kind, hit.exchange) == (None, "verdict", -1)
        assert hit.text.startswith("keep by pop3-keep: Read elsewhere")
    assert [hit.kind for hit in Search(b"logged in as bo").hits(items(talk))] == ["note"]
    assert list(Search(b"read ELSE").hits(items(talk))) == []


@pytest.mark.parametrize("wanted", [b"", b"a\nb"])
def test_what_cannot_be_searched(wanted: bytes) -> None:
    with pytest.raises(ValueError, match="within one line"):
        Search(wanted)


def test_little_is_kept() -> None:
    search = Search(b"needle")
    talk = Talk(
        "pop3",
        "S: +OK\nC: USER x\nS: +OK\nC: PASS y\nS: +OK\nC: RETR 1\nS: +OK\n" + "S: " + "x" * 9999 + "\\\n" * 1,
    )
    assert list(search.hits(items(talk)[:-1])) == []
    kept = sum(len(stream._line) for streams in search._open.values() for stream in streams)
    assert kept <= 2 * (AROUND + len("needle"))
