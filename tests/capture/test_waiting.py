"""A queue that is bounded for the one who fills it, and patient for the one who empties it."""

from __future__ import annotations

import threading

from mailproxy.capture.waiting import BATCH, SMALLEST_LIMIT, Blocks, SessionOver, Waiting, weight


def block(octets: int, payload: int = 0) -> Blocks:
    return Blocks("s", "pop3", (bytes(octets),), octets, payload)


def test_what_fits_and_what_does_not() -> None:
    waiting = Waiting(SMALLEST_LIMIT)
    assert waiting.fits(200_000)
    waiting.put(block(200_000))
    assert not waiting.fits(63_000)
    assert not waiting.fits(SMALLEST_LIMIT)


def test_taken_is_not_yet_written() -> None:
    waiting = Waiting(SMALLEST_LIMIT)
    waiting.put(block(200_000))
    waiting.close()
    taken = waiting.take(0)
    assert waiting.octets == weight(taken[0]) > 200_000
    waiting.written(taken)
    assert waiting.octets == 0


def test_blocks_without_octets_are_counted_too() -> None:
    waiting, count = Waiting(SMALLEST_LIMIT), 0
    while waiting.fits(0):
        assert waiting.put(block(0))
        count += 1
    assert count < 1_000


def test_some_room_is_kept_for_packets_without_payload() -> None:
    waiting = Waiting(SMALLEST_LIMIT)
    while waiting.fits(1_000):
        assert waiting.put(block(1_000))
    assert not waiting.put(block(2_000))
    assert waiting.fits(1_000, spare=True)
    while waiting.fits(1_000, spare=True):
        assert waiting.put(block(1_000), spare=True)
    assert waiting.octets < 2 * SMALLEST_LIMIT


def test_the_order_stays() -> None:
    waiting = Waiting(10 * BATCH)
    waiting.put(block(BATCH))
    waiting.over("s")
    waiting.put(block(1))
    assert waiting.take(0) == [block(BATCH), SessionOver("s"), block(1)]
    assert waiting.take(0) == []


def test_the_one_who_empties_is_woken() -> None:
    waiting = Waiting(10 * BATCH)
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.extend(waiting.take(60)))
    thread.start()
    waiting.put(block(1))
    thread.join(30)
    assert len(taken) == 1


def test_closing_wakes_and_nothing_fits_any_more() -> None:
    waiting = Waiting(10 * BATCH)
    thread = threading.Thread(target=waiting.take, args=(600,))
    thread.start()
    waiting.close()
    thread.join(30)
    assert not thread.is_alive()
    assert waiting.closed
    assert not waiting.fits(1)
    assert waiting.pause(600)


def test_what_is_left() -> None:
    waiting = Waiting(SMALLEST_LIMIT)
    waiting.put(block(100, 60))
    waiting.over("s")
    assert waiting.left() == 60


def test_crowded_is_what_has_room_for_little_more() -> None:
    waiting = Waiting(SMALLEST_LIMIT)
    seen = [waiting.crowded]
    while waiting.put(block(SMALLEST_LIMIT // 16)):
        seen.append(waiting.crowded)
    assert seen.index(True) == 12
    assert all(seen[12:])
    waiting.written(waiting.take(0))
    assert not waiting.crowded
