"""Which sessions are recorded, and what the log says of captures that cannot be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from mailproxy.capture import capturing
from mailproxy.capture.capturing import Capturing, Wanted
from mailproxy.capture.recorder import What
from mailproxy.capture.writer import Options
from mailproxy.events import CaptureWanted
from tests.capture.written import Opened


class Writer(Opened):
    """A writer that fails when it is told to."""

    made: ClassVar[list[Writer]] = []

    def __init__(self, *args: Any) -> None:
        super().__init__()
        self.why = ""
        self.lost_octets = 0
        self.closed = False
        self.made.append(self)

    def close(self, seconds: float) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def writers(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    monkeypatch.setattr(capturing, "CaptureWriter", Writer)
    Writer.made.clear()
    return Writer.made


@pytest.fixture
def said() -> list[tuple[str, str, dict[str, Any]]]:
    return []


def make(said: list[Any], *, everything: bool = True) -> Capturing:
    wanted = Wanted(everything, What(), Options(folder=Path("captures")))
    return Capturing(wanted, lambda event, level, **fields: said.append((event, level, fields)))


def test_without_anything_wanted_there_is_no_writer(said: list[Any], writers: list[Writer]) -> None:
    made = make(said, everything=False)
    assert made.session("1", "pop3", "mail", frozenset()) is None
    made.report()
    made.close()
    assert writers == []


@pytest.mark.parametrize("verbs", [frozenset(), frozenset({"PASS"})])
def test_every_session_is_recorded_at_once(
    said: list[Any], writers: list[Writer], verbs: frozenset[str]
) -> None:
    made = make(said)
    for number in "12":
        recorder = made.session(number, "pop3", "mail", verbs)
        assert recorder is not None
        recorder.client_leg(("192.0.2.1", 1), ("127.0.0.1", 2))
    (writer,) = writers
    assert [asked[0] for asked in writer.asked] == ["1", "2"]


@pytest.mark.parametrize("verbs", [frozenset({"PASS"}), frozenset({"PASS", "RETR"})])
def test_a_session_that_a_rule_may_want_waits_for_it(
    said: list[Any], writers: list[Writer], verbs: frozenset[str]
) -> None:
    recorder = make(said, everything=False).session("1", "pop3", "mail", verbs)
    assert recorder is not None
    recorder.client_leg(("192.0.2.1", 1), ("127.0.0.1", 2))
    assert [writer.asked for writer in writers] == [[]]
    recorder.event(CaptureWanted("r"))
    assert len(writers[0].asked) == 1


def test_failures_are_told_once_and_so_is_their_end(said: list[Any], writers: list[Writer]) -> None:
    made = make(said)
    made.session("1", "pop3", "mail", frozenset())
    (writer,) = writers
    told = []
    for why in ("", "disk full", "disk full", "no such folder", "", ""):
        writer.why = why
        made.report()
        told.append([(event, fields.get("cause")) for event, _, fields in said])
        assert all(fields["folder"] for event, _, fields in said if event == "capture_failed")
        said.clear()
    assert told == [
        [],
        [("capture_failed", "disk full")],
        [],
        [("capture_failed", "no such folder")],
        [("capture_recovered", None)],
        [],
    ]


def test_losses_are_told_now_and_then_and_none_is_forgotten(said: list[Any], writers: list[Writer]) -> None:
    made = make(said)
    made.session("1", "pop3", "mail", frozenset())
    (writer,) = writers
    for _ in range(25):
        writer.lost_octets += 100
        made.report()
    assert len(said) == 3
    writer.lost_octets += 1
    made.close()
    assert writer.closed
    assert {event for event, _, _ in said} == {"capture_lost"}
    assert sum(fields["octets"] for _, _, fields in said) == 2501


def test_without_threads_sessions_go_on_unrecorded(said: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(capturing, "CaptureWriter", refused)
    made = make(said)
    made.start()
    for number in range(3):
        assert made.session(str(number), "pop3", "mail", frozenset()) is None
    made.report()
    made.close()
    assert [(event, level) for event, level, _ in said] == [("capture_failed", "error")]
