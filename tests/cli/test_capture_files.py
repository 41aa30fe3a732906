"""What is said of capture files, beside their sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture.conversations import FileTally
from mailproxy.capture.model import Tally
from mailproxy.cli.capture_files import described, moment, notes_of, say, say_notes

FULL = FileTally(
    Tally(packets=9, octets=700, not_tcp=1, fragments=2, damaged=3, retransmitted=4, notes=["it is odd"]),
    5,
    1,
)


def test_notes() -> None:
    assert list(notes_of(FULL)) == [
        "5 TCP streams: no mail",
        "1 TCP stream: without an octet",
        "1 packet: no TCP",
        "2 packets: fragments of IP, which are not put together",
        "3 packets: damaged",
        "it is odd",
    ]
    assert list(notes_of(FileTally())) == []


def test_a_file_without_mail(capsys: pytest.CaptureFixture[str]) -> None:
    say_notes(Path("a.pcap"), 0, FileTally(Tally(packets=2)))
    say_notes(Path("b.pcap"), 1, FileTally(Tally(packets=2)))
    assert capsys.readouterr().err == (
        "mailproxy: a.pcap: there is no mail in it that could be told (2 packets)\n"
    )


def test_described() -> None:
    assert described(Path("a.pcap"), 6, FULL, "broken") == {
        "file": "a.pcap",
        "sessions": 6,
        "not_mail": 5,
        "silent": 1,
        "packets": 9,
        "octets": 700,
        "not_tcp": 1,
        "fragments": 2,
        "damaged": 3,
        "retransmitted": 4,
        "notes": ["it is odd"],
        "error": "broken",
    }


def test_names_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2J.pcap: odd")
    assert capsys.readouterr().err == "mailproxy: a\\x1b[2J.pcap: odd\n"


@pytest.mark.parametrize("seconds", [1e300, -1e300, float("inf"), float("nan")])
def test_times_that_no_calendar_has(seconds: float) -> None:
    assert moment(seconds) == f"{seconds:g}"
    assert moment(1_700_000_000.0) == "2023-11-14T22:13:20+00:00"
