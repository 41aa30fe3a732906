"""The arguments of STORE."""

from __future__ import annotations

import pytest

from mailproxy.player.imap_store import change_of

OLD = frozenset({b"\\Seen", b"a"})


@pytest.mark.parametrize(
    ("args", "silent", "new"),
    [
        (b"1 FLAGS (b)", False, {b"b"}),
        (b"1 flags.silent b c", True, {b"b", b"c"}),
        (b"1:* +FLAGS (b)", False, {b"\\Seen", b"a", b"b"}),
        (b"1 -FLAGS.SILENT (a b)", True, {b"\\Seen"}),
        (b"1 (UNCHANGEDSINCE 5) -FLAGS (a)", False, {b"\\Seen"}),
        (b"1 FLAGS ()", False, set()),
    ],
)
def test_changes(args: bytes, silent: bool, new: set[bytes]) -> None:
    change = change_of(args)
    assert change.of(OLD) == new
    assert change.silent is silent
    assert change.numbers == args.split()[0]


@pytest.mark.parametrize("args", [b"", b"1", b"1 X (a)", b"x FLAGS (a)", b"1 *FLAGS (a)"])
def test_what_is_no_store(args: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        change_of(args)
