"""What a session says is kept until a rule wants it, and no more of it than fits."""

from __future__ import annotations

from mailproxy.capture.comments import write
from mailproxy.capture.deferred import MOST_OCTETS, Deferral
from mailproxy.proto.tokens import Side
from tests.capture.written import Packet, Written

C, S = Side.CLIENT, Side.SERVER
NOTE = write("login", user="ann")


def test_nothing_is_made_or_written_before_somebody_wants_it() -> None:
    made: list[Written] = []

    def make() -> Written:
        made.append(Written())
        return made[-1]

    deferral = Deferral()
    sink = deferral.connection(make)
    sink.open(1.0, [NOTE])
    sink.data(C, [b"a", b"b"], 2.0)
    sink.hole(S, 3)
    sink.note(3.0, [NOTE])
    assert made == []
    deferral.release()
    assert made == [sink.sink]
    assert made[0].packets == [
        Packet(None, None, 1.0, (NOTE,)),
        Packet(C, b"ab", 2.0),
        Packet(S, 3, 0.0),
        Packet(None, None, 3.0, (NOTE,)),
    ]
    sink.data(S, [b"c"], 4.0, [NOTE])
    sink.hole(C, 1)
    sink.note(5.0, [NOTE])
    sink.close(6.0, "fin", [NOTE])
    assert [packet.octets for packet in made[0].packets[4:]] == [b"c", 1, None, None]
    assert made[0].closed == "fin"
    deferral.release()
    assert len(made) == 1


def test_one_that_nobody_wanted_ends_without_a_trace() -> None:
    def make() -> Written:
        raise AssertionError("nobody wants it")

    sink = Deferral().connection(make)
    sink.open(1.0, [])
    sink.data(C, [b"a"], 2.0)
    sink.close(3.0, "fin", [NOTE])


def test_both_connections_are_written_in_the_order_of_time() -> None:
    times: list[float] = []

    class Timed(Written):
        def data(self, side, pieces, time, comments=()):  # type: ignore[no-untyped-def]
            times.append(time)

    deferral = Deferral()
    first, second = deferral.connection(Timed), deferral.connection(Timed)
    for time in range(6):
        (first, second)[time % 2].data(C, [b"x"], float(time))
    deferral.release()
    assert times == sorted(times)
    assert len(times) == 6


def test_what_does_not_fit_is_a_gap_of_the_same_size_and_is_told_once() -> None:
    deferral, written = Deferral(), Written()
    sink = deferral.connection(lambda: written)
    sink.open(0.0, [])
    sink.data(C, [b"x" * 100], 1.0)
    sink.data(S, [b"x" * MOST_OCTETS], 2.0)
    for _ in range(10_000):
        sink.data(C, [b"small"], 3.0, [NOTE])
        sink.hole(S, 1)
    deferral.release()
    assert len(written.packets) == 4  # opened, the first octets, and a hole on either side
    assert written.octets(C) == 100 + 50_000
    assert written.octets(S) == MOST_OCTETS + 10_000
    sink.data(S, [b"y"], 4.0, [NOTE])
    sink.data(S, [b"z"], 5.0)
    assert written.packets[-2].words == ["login", "lost"]
    assert written.packets[-1].words == []
    assert written.remarked("lost")[0]["octets"] == MOST_OCTETS + 60_000


def test_many_small_calls_are_bounded_too() -> None:
    deferral, written = Deferral(), Written()
    sink = deferral.connection(lambda: written)
    for _ in range(20_000):
        sink.data(C, [b"x"], 1.0)
    deferral.release()
    assert len(written.packets) < 2000
    assert written.octets(C) == 20_000


def test_what_was_lost_is_told_at_the_end_if_nothing_comes_before_it() -> None:
    deferral, written = Deferral(), Written()
    sink = deferral.connection(lambda: written)
    sink.data(C, [b"x" * MOST_OCTETS], 1.0)
    deferral.release()
    sink.close(2.0, "fin", [NOTE])
    assert written.packets[-1].words == ["login", "lost"]


def test_a_connection_that_opens_late_is_opened_all_the_same() -> None:
    deferral, first, second = Deferral(), Written(), Written()
    deferral.connection(lambda: first).data(C, [b"x" * MOST_OCTETS], 1.0)
    deferral.connection(lambda: second).open(2.0, [NOTE])
    deferral.release()
    assert second.opened == 1
