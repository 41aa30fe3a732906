"""Which recordings of a file are played, and to whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.comments import write
from mailproxy.capture.model import CaptureError
from mailproxy.player.recorded import greeting_of
from mailproxy.player.recordings import Cast, casts
from tests.capture.packets import enhanced, interface, packet, section
from tests.player.capture_file import capture_file
from tests.player.mailbox_sessions import pop3_session, smtp_session
from tests.player.recording import recorded


def test_each_protocol_has_its_cast(tmp_path: Path, store: BodyStore) -> None:
    file = capture_file(
        tmp_path / "a.pcap",
        ("smtp", smtp_session("a", "b")),
        ("pop3", pop3_session("a", [])),
        ("pop3", pop3_session("b", [])),
    )
    found = casts(file, store)
    assert [(cast.protocol, len(cast.recordings)) for cast in found] == [("pop3", 2), ("smtp", 1)]
    (one,) = casts(file, store, session=3)
    assert [recording.login for recording in one.recordings] == ["b"]
    with pytest.raises(CaptureError, match="there is no session 4"):
        casts(file, store, session=4)


def test_turns_and_users(store: BodyStore) -> None:
    first, second = (recorded("pop3", pop3_session(user, []), store) for user in ("a", "b"))
    cast = Cast("pop3", [first, second])
    assert [cast.next() for _ in range(3)] == [first, second, second]
    assert cast.chooser(first)("a") is first
    assert cast.chooser(first)("b") is second
    assert cast.chooser(first)("c") is None


def test_what_a_proxy_has_remarked_names_the_user(store: BodyStore) -> None:
    session = "S: * OK\nC: a AUTHENTICATE PLAIN ********\nS: a OK\n"
    recording = recorded("imap", session, store, login="aiko")
    assert Cast("imap", [recording]).chooser(recording)("aiko") is recording


def test_of_a_session_of_our_own_proxy_one_leg_is_played(tmp_path: Path, store: BodyStore) -> None:
    file = section() + interface()
    for port, leg, said in ((40001, "client", b"+OK hidden\r\n"), (40002, "server", b"+OK shown\r\n")):
        ends = ("192.0.2.1", port), ("198.51.100.9", 110)
        remark = write("session", id="s-1", leg=leg, protocol="pop3")
        file += enhanced(packet(*ends, 0, flags=2), remark)
        file += enhanced(packet(*reversed(ends), 0, flags=18, ack=1))
        file += enhanced(packet(*reversed(ends), 1, said, ack=1)) + enhanced(
            packet(*ends, 1, b"QUIT\r\n", ack=11)
        )
    path = tmp_path / "own.pcapng"
    path.write_bytes(file)
    for leg, heard in (("client", b"+OK hidden\r\n"), ("server", b"+OK shown\r\n")):
        (cast,) = casts(path, store, leg=leg)
        (recording,) = cast.recordings
        assert greeting_of(recording) == heard
    (cast,) = casts(path, store, session=2)
    assert [each.conversation.leg for each in cast.recordings] == ["server"]
