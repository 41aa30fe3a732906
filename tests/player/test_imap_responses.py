"""What an IMAP server said, response by response."""

from __future__ import annotations

from mailproxy.capture.bodies import BodyStore
from mailproxy.capture.exchanges import Turn
from mailproxy.capture.parts import Kind
from mailproxy.player.imap_responses import Response, responses
from mailproxy.player.pieces import joined
from mailproxy.proto.tokens import Side


def told(store: BodyStore, *said: tuple[Kind, bytes]) -> list[Response]:
    return list(responses(Turn(Side.SERVER, kind, store.new(data), 0.0) for kind, data in said))


def test_responses_are_cut_where_they_end(store: BodyStore) -> None:
    found = told(
        store,
        (Kind.REPLY, b"* 5 exists\r\n"),
        (Kind.REPLY, b"* 2 FETCH (BODY[] {6}\r\n"),
        (Kind.BODY, b"a\r\nb\r\n X {0}\r\n)\r\n"),
        (Kind.REPLY, b"t OK [X] done\r\n"),
    )
    assert [(each.tag, each.number, each.name) for each in found] == [
        (b"*", 5, b"EXISTS"),
        (b"*", 2, b"FETCH"),
        (b"t", 0, b"OK"),
    ]
    assert found[1].text == b"* 2 FETCH (BODY[] {6}\r\n X {0}\r\n)\r\n"
    assert [joined([each]) for each in found[1].literals] == [b"a\r\nb\r\n", b""]
    assert joined(found[1].pieces) == b"* 2 FETCH (BODY[] {6}\r\na\r\nb\r\n X {0}\r\n)\r\n"
    assert found[1].cut == 0


def test_octets_that_are_missing_are_filled_up(store: BodyStore) -> None:
    (found,) = told(store, (Kind.REPLY, b"* 2 FETCH (BODY[] {99}\r\n"), (Kind.BODY, b"abc)\r\n"))
    assert found.cut == 96
    assert len(joined(found.literals)) == 99
    assert joined(found.pieces).endswith(b"-)\r\n")


def test_a_response_without_an_end_is_none(store: BodyStore) -> None:
    head = (Kind.REPLY, b"* 2 FETCH (BODY[] {99999999999999}\r\n")
    assert told(store, head, (Kind.BODY, b"abc)\r\n"), (Kind.REPLY, b"* 3 EXISTS\r\n"))[0].number == 3
