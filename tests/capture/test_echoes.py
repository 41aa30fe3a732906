"""Secrets that come back in a reply are masked there, in whatever form."""

from __future__ import annotations

import binascii
from base64 import b64encode

import pytest

from mailproxy.capture.echoes import Echoes


@pytest.mark.parametrize(
    ("secret", "reply", "shown"),
    [
        (b"hunter2", b"not hunter2, hunter2!", b"not *******, *******!"),
        (b" hunter2 ", b"not hunter2", b"not *******"),
        (b'hun\\"ter', b'not hun"ter', b"not *******"),
        (b"PSAS hunter2", b"PSAS what? hunter2", b"**** what? *******"),
        (b'"ann" "hunter2"', b"ann hunter2", b"ann *******"),
        (b64encode(b"hunter2"), b"not hunter2", b"not *******"),
        (b64encode(b"\0annette\0hunter2"), b"annette, not hunter2", b"annette, not *******"),
        (b64encode(b"user=a\1auth=Bearer hunter2\1\1"), b"not hunter2", b"not *******"),
        (b"cat", b"cat, concatenated", b"cat, concatenated"),
        (b"", b"anything", b"anything"),
        (b"x" * 5000 + b"y", b"not " + b"x" * 5000 + b"y\r\n", b"not " + b"*" * 5001 + b"\r\n"),
        (b"x" * 5000, b"not " + b"x" * 4000 + b"...\r\n", b"not " + b"*" * 4000 + b"...\r\n"),
        (b"x" * 5000, b"x" * 4097, b"*" * 4097),
        (b"correct-horse", b"unknown: correct-h...", b"unknown: *********..."),
        (b"Correct-Horse", b"unknown: CORRECT-HORSE", b"unknown: *************"),
        (b"correct-horse", b"not correct", b"not correct"),
        (b"hunter2", b"no hunter", b"no hunter"),
    ],
)
def test_what_is_masked(secret: bytes, reply: bytes, shown: bytes) -> None:
    echoes = Echoes()
    echoes.add(secret)
    assert echoes.hidden(reply) == shown


def test_one_that_comes_in_pieces() -> None:
    echoes = Echoes()
    for octet in b"hunter2":
        echoes.more(bytes([octet]))
    assert echoes.hidden(b"not hunter2") == b"not *******"


def test_pieces_of_two_do_not_make_one() -> None:
    echoes = Echoes()
    echoes.more(b"alice")
    echoes.end()
    echoes.more(b"hunter2")
    assert echoes.hidden(b"alice hunter2 alicehunter2") == b"***** ******* ************"


def test_the_longest_is_masked_first() -> None:
    echoes = Echoes()
    echoes.add(b"hunt")
    echoes.add(b"hunter2")
    assert echoes.hidden(b"hunter2 hunt") == b"******* ****"


def test_there_are_no_more_than_can_be_searched_for() -> None:
    echoes = Echoes()
    echoes.add(b" ".join(b"word%05d" % number for number in range(10_000)))
    assert echoes.hidden(b"word00001 word09999") == b"********* word09999"
    assert "word1" not in repr(echoes)


@pytest.mark.parametrize("excess", [b"", b"=", b"==", b"==="])
@pytest.mark.parametrize("password", [b"hunter2", b"hunter22", b"hunter222"])
def test_base64_with_any_number_of_fillers(password: bytes, excess: bytes) -> None:
    """Old versions of Python take too many, new ones do not; what servers take is their own affair."""
    echoes = Echoes()
    echoes.add(binascii.b2a_base64(b"\0aiko\0" + password, newline=False).rstrip(b"=") + excess)
    assert echoes.hidden(b"bad password " + password) == b"bad password " + b"*" * len(password)
