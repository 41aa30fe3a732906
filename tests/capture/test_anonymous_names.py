"""Other words for names."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest

from mailproxy.capture.anonymous_names import Names
from mailproxy.proto.mutf7 import decode_mutf7

SECRET = b"s" * 32
RANGES = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


@pytest.mark.parametrize(
    "text",
    [
        b"aiko.tanaka@example.jp",
        b"User-1234",
        b"x",
        b"7",
        "björn 日本 😀 ж".encode(),
        b"\xff\xfe\x80",
        b"&ZeVnLIqe-/&-",
    ],
)
def test_length_and_form_stay(text: bytes) -> None:
    other = Names(SECRET).text(text)
    assert other != text
    assert len(other) == len(text)
    kinds = [(rb"[A-Z]", b"A"), (rb"[a-z]", b"a"), (rb"[0-9]", b"0")]
    if b"&" not in text:
        for pattern, letter in kinds:
            text, other = re.sub(pattern, letter, text), re.sub(pattern, letter, other)
        assert re.sub(rb"[\x80-\xff]", b"?", text) == re.sub(rb"[\x80-\xff]", b"?", other)


def test_utf_8_stays_utf_8() -> None:
    assert len(Names(SECRET).text("björn 日本 😀".encode()).decode()) == len("björn 日本 😀")


def test_modified_utf_7_stays_such() -> None:
    other = Names(SECRET).text(b"a/&ZeVnLIqe-").decode()
    assert len(decode_mutf7(other)) == len("a/日本語")
    assert not decode_mutf7(other).isascii()


def test_the_same_name_is_the_same_in_one_file_only() -> None:
    names = Names(SECRET)
    assert names.text(b"aiko@example.jp Aiko AIKO").lower().split()[1:] == [names.word(b"aiko")] * 2
    assert Names(b"t" * 32).text(b"aiko@example.jp") != names.text(b"aiko@example.jp")


def test_other_names_are_other_words() -> None:
    names = Names(SECRET)
    made = {names.word(b"%d" % number) for number in range(100)}
    assert len(made) == 100
    folders = {names.word(bytes([97 + one, 97 + two])) for one in range(26) for two in range(20)}
    assert len(folders) > 500


def test_what_is_kept() -> None:
    assert Names(SECRET).text(b"INBOX.foo", {b"INBOX"}).startswith(b"INBOX.")
    assert b"foo" not in Names(SECRET).text(b"INBOX.foo", {b"INBOX"})


def test_addresses() -> None:
    names = Names(SECRET)
    given = [f"10.0.{number // 256}.{number % 256}" for number in range(700)]
    made = [names.address(address) for address in given]
    assert len(set(made)) == 700
    assert made == [names.address(address) for address in given]
    assert all(any(ip_address(one) in net for net in RANGES) for one in made)
    assert ip_address(names.address("fe80::1%eth0")) in RANGES[3]
    assert (
        ip_address(names.address("no address")) in RANGES[0]
        or ip_address(names.address("no address")).version == 4
    )


def test_many_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailproxy.capture.anonymous_names._MOST", 10)
    names = Names(SECRET)
    words = [b"word%d" % number for number in range(50)]
    assert [names.word(word) for word in words] == [names.word(word) for word in words]
    assert len(names._words) == 10
