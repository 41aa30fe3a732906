"""The sessions of a capture file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture import conversations
from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.conversations import FileTally
from mailproxy.capture.model import CaptureError
from mailproxy.capture.recorder import What
from mailproxy.whatif.sessions import captured_sessions
from tests.dialogue import parse
from tests.play import TRANSCRIPTS
from tests.player.capture_file import capture_file
from tests.test_transcripts import judge_of
from tests.whatif.recorded import lived

SESSION = "S: +OK\nC: USER {}\nS: +OK\nC: QUIT\nS: +OK"


@pytest.mark.parametrize("batch", [1, 20, 1_000_000])
def test_in_the_order_in_which_they_began_whatever_a_batch_holds(
    tmp_path: Path, store: BodyStore, batch: int
) -> None:
    names = ["a", "b", "c", "d", "e"]
    path = capture_file(tmp_path / "five.pcap", *(("pop3", SESSION.format(name)) for name in names))
    tally = FileTally()
    found = list(captured_sessions(path, store, tally, batch=batch))
    commands = [session.client.exchanges[1].command for session in found]
    assert [command.args.decode() for command in commands if command] == names
    assert [session.conversation.number for session in found] == [1, 2, 3, 4, 5]
    once = FileTally()
    list(captured_sessions(path, store, once))
    assert tally == once


def test_both_legs_are_one_session(store: BodyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = TRANSCRIPTS / "pop3/keep-login.txt"
    tape, _ = lived(parse(path), judge_of(parse(path)))
    monkeypatch.setattr(conversations, "read_streams", lambda *_: iter(tape.events))
    for batch in (1, 1_000_000):
        (session,) = captured_sessions(path, store, batch=batch)
        assert session.client.conversation.leg == "client"
        assert session.server is not None
        assert session.server.conversation.leg == "server"
        assert [remark.fields["user"] for _, remark in session.margin.of("login")] == ["ann"]


def test_what_is_missing_of_the_client_is_counted(store: BodyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = TRANSCRIPTS / "smtp/message.txt"
    tape, _ = lived(parse(path), judge_of(parse(path)), What(0))
    monkeypatch.setattr(conversations, "read_streams", lambda *_: iter(tape.events))
    (session,) = captured_sessions(path, store)
    assert sum(session.margin.missing.values()) > 0


def test_what_could_be_read_comes_before_the_error(
    tmp_path: Path, store: BodyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape, _ = lived(parse(TRANSCRIPTS / "pop3/login.txt"), judge_of(parse(TRANSCRIPTS / "pop3/login.txt")))

    def read(*_: object) -> object:
        yield from tape.events
        raise CaptureError("it ends here")

    monkeypatch.setattr(conversations, "read_streams", read)
    found = captured_sessions(tmp_path, store)
    assert next(found).client.exchanges
    with pytest.raises(CaptureError, match="it ends here"):
        next(found)
