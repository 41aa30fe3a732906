"""Anonymous copies of captures, read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture.anonymous_file import anonymous_copy
from mailproxy.capture.anonymous_names import Names
from mailproxy.capture.comments import Remark
from mailproxy.capture.conversations import Began, Ended, Item, Remarked, Said, conversations
from mailproxy.capture.parts import Kind
from tests.capture.anonymity import left_in, said
from tests.capture.talks import STARTED, Talk, capture_file, items
from tests.capture.test_anonymous import TALKS
from tests.corpus.place import CAPTURES, WHY_NOT

REAL = sorted(CAPTURES.glob("*.pcap*")) if CAPTURES.is_dir() else []


def copied(found: list[Item], path: Path) -> list[Item]:
    path.write_bytes(b"".join(anonymous_copy(found, Names(b"s" * 32), "test")))
    return list(conversations(path))


def shape(found: list[Item]) -> dict[object, object]:
    """Of each side of each exchange: octets, verb, statuses, and whether it came to its end."""
    shapes: dict[object, tuple[int, str, list[str], bool]] = {}
    for item in found:
        if not isinstance(item, Said) or not item.part.octets:
            continue
        part, command = item.part, item.part.command
        key = item.conversation.number, part.side, part.exchange
        octets, verb, statuses, ended = shapes.get(key, (0, "", [], False))
        if command is not None and command.spec is not None:
            verb = command.verb
        if part.kind is Kind.REPLY:
            statuses = [*statuses, part.status]
        shapes[key] = (octets + part.octets, verb, statuses, ended or part.ends)
    return dict(shapes)


@pytest.mark.parametrize("talk", TALKS, ids=range(len(TALKS)))
def test_conversations_stay_what_they_were(talk: Talk, tmp_path: Path) -> None:
    found = items(talk)
    copy = copied(found, tmp_path / "x")
    assert shape(copy) == shape(found)


@pytest.mark.skipif(not REAL, reason=WHY_NOT)
@pytest.mark.parametrize(
    "capture", [path for path in REAL if path.suffix != ".json"], ids=lambda path: path.name
)
def test_no_word_of_a_real_capture_stays(capture: Path, tmp_path: Path) -> None:
    found = list(conversations(capture))
    copy = copied(found, tmp_path / "x")
    assert shape(copy) == shape(found)
    # of words that were cut by segments of TCP or chunks, pieces may stand alone: LAIN of "PLAIN"
    pieces = {word for word in left_in(said(copy), said(found)) if _is_end_of_a_kept_word(word)}
    assert left_in(said(copy), said(found)) - pieces == set()
    assert not {end for item in copy for end in _ends(item)} & {end for item in found for end in _ends(item)}


def _is_end_of_a_kept_word(word: bytes) -> bool:
    from tests.capture.anonymity import HARMLESS

    return any(kept.endswith(word) or kept.startswith(word) for kept in HARMLESS)


def _ends(item: Item) -> list[str]:
    stream = item.conversation.stream
    return [end.rpartition(":")[0] for end in (stream.client, stream.server)]


def test_both_legs_belong_together(tmp_path: Path) -> None:
    text = 'S: +OK\nC: USER aiko\nS: +OK\nC: PASS x\nS: +OK\n! login {"user": "aiko"}\nC: QUIT\nS: +OK'
    legs = [
        Talk("pop3", text, session="s1", leg=leg, number=number, client=("10.0.0.9", 5 + number))
        for number, leg in enumerate(("client", "server"), 1)
    ]
    capture = capture_file(tmp_path / "x", *legs)
    copy = copied(list(conversations(capture)), tmp_path / "y")
    began = [item.conversation for item in copy if isinstance(item, Began)]
    assert [one.leg for one in began] == ["client", "server"]
    assert len({one.session for one in began}) == 1
    assert "s1" not in {one.session for one in began}
    users = {
        item.remark.fields["user"]
        for item in copy
        if isinstance(item, Remarked) and item.remark.word == "login"
    }
    assert len(users) == 1
    assert users == {item.user for item in copy if isinstance(item, Ended)}


def test_the_legs_keep_their_numbers_though_the_server_speaks_first(tmp_path: Path) -> None:
    found: list[list[Item]] = []
    for number, leg in enumerate(("client", "server"), 1):
        talk = Talk("pop3", "S: +OK\nC: QUIT\nS: +OK", session="s1", leg=leg, number=number)
        first, *rest = items(talk)
        found.append([first, Remarked(first.conversation, 0.0, Remark("session", talk.remark), 1), *rest])
    client, server = found
    copy = copied([*client[:2], *server, *client[2:]], tmp_path / "x")
    began = [item.conversation for item in copy if isinstance(item, Began)]
    assert [(one.number, one.leg) for one in began] == [(1, "client"), (2, "server")]
    assert [one.started for one in began] == pytest.approx([STARTED] * 2)


@pytest.mark.parametrize("how", ["fin", "rst", "cut"])
def test_the_end_and_the_times(how: str, tmp_path: Path) -> None:
    found = items(Talk("pop3", f"S: +OK\nC: QUIT\nS: +OK\nend {how}"))
    copy = copied(found, tmp_path / "x")
    (ended,) = [item for item in copy if isinstance(item, Ended)]
    assert ended.how == how
    times = [[item.part.time for item in some if isinstance(item, Said)] for some in (found, copy)]
    assert times[1] == pytest.approx(times[0], abs=1e-5)
