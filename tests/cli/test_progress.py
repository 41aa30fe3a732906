"""The bar of a file that takes long: where a person sees it, and nowhere else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mailproxy.cli.progress import PATIENCE, reading

WIPED = "\x1b[2K"


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "long[red].pcapng"
    path.write_bytes(bytes(1000))
    return path


class Screen(io.StringIO):
    """A terminal that remembers what it was sent."""

    def isatty(self) -> bool:
        return True

    def sent(self) -> str:
        """What has come since the last call."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return Screen()


def test_a_short_file_has_no_bar(screen: Screen, file: Path) -> None:
    clock = Clock()
    with reading(file, clock, screen) as progress:
        progress(500)
        clock.now += PATIENCE - 0.01
        progress(500)
    assert screen.sent() == ""


def test_a_long_file_has_one(screen: Screen, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with reading(file, clock, screen) as progress:
        progress(200)
        clock.now += PATIENCE
        progress(300)
        print("a line for the pipe")
        bar = screen.sent()
    assert capsys.readouterr() == ("a line for the pipe\n", "")
    assert "long[red].pcapng" in bar
    assert "0.5/1.0 kB" in bar
    assert screen.sent().endswith(WIPED)


def test_it_is_not_drawn_for_each_packet(screen: Screen, file: Path) -> None:
    clock = Clock()
    with reading(file, clock, screen) as progress:
        clock.now += PATIENCE
        progress(100)
        screen.sent()
        for _ in range(100):
            progress(1)
        assert screen.sent() == ""


def test_it_makes_room_for_what_is_printed(screen: Screen, file: Path) -> None:
    clock = Clock()
    with reading(file, clock, screen) as progress:
        clock.now += PATIENCE
        progress(100)
        with progress.aside():
            assert screen.sent().endswith(WIPED)
        clock.now += 1
        progress(100)
        assert "0.2/1.0 kB" in screen.sent()


def test_a_file_that_grows(screen: Screen, file: Path) -> None:
    clock = Clock()
    with reading(file, clock, screen) as progress:
        clock.now += PATIENCE
        progress(5000)
    assert "5.0/? kB" in screen.sent()


def test_a_file_that_is_gone(screen: Screen, file: Path) -> None:
    clock = Clock()
    file.unlink()
    with reading(file, clock, screen) as progress:
        clock.now += PATIENCE
        progress(1)
    assert screen.sent().endswith(WIPED)


def test_a_name_cannot_command_the_terminal(screen: Screen, tmp_path: Path) -> None:
    clock = Clock()
    with reading(tmp_path / "a\x1b]0;owned\x07.pcap", clock, screen) as progress:
        clock.now += PATIENCE
        progress(1)
    assert "a\\x1b]0;owned\\x07.pcap" in screen.sent()


def test_no_bar_in_a_pipe(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with reading(file, clock) as progress:
        clock.now += 60
        progress(500)
    assert capsys.readouterr() == ("", "")
