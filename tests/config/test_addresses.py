"""Addresses of listeners, and hosts."""

from __future__ import annotations

import pytest

from mailproxy.config.addresses import check_host, is_loopback, same_place, split_address


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:993", ("::1", 993)),
        ("mail.example.org:65535", ("mail.example.org", 65535)),
        ("localhost:01993", ("localhost", 1993)),
    ],
)
def test_split_address(address: str, place: tuple[str, int]) -> None:
    assert split_address(address) == place


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("", "it is not HOST:PORT"),
        (":", "it is not HOST:PORT"),
        ("[::1]", "it is not HOST:PORT"),
        ("a:٣", "it is not HOST:PORT"),
        ("a:-1", "it is not HOST:PORT"),
        ("a:1\n", "it is not HOST:PORT"),
        ("1993", "it has no port"),
        ("::1", "it has no port"),
        ("a:65536", "port 65536 is beyond 65535"),
        ("[127.0.0.1]:1", "only an IPv6 address stands in brackets"),
        ("[::1%\x1b]:1", "only an IPv6 address stands in brackets"),
        ("*:1", "it does not say on which address to listen"),
        (":1", "it does not say on which address to listen"),
        ("a b:1", "this is neither a host name nor an IP address"),
    ],
)
def test_not_an_address(address: str, cause: str) -> None:
    with pytest.raises(ValueError, match=f"^{cause}$"):
        split_address(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "fe80::1%eth0", "mail.example.org", "a.", "xn--mller-kva.de"]
)
def test_hosts(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        ("müller.de", "use its xn-- form"),
        ("[::1]", "without brackets"),
        ("a.org:993", "the port does not belong here"),
        ("imaps://a/", "only the host name belongs here"),
        ("a..b", "neither a host name"),
        ("-a", "neither a host name"),
        ("a" * 64, "neither a host name"),
        (".".join(["a" * 60] * 5), "neither a host name"),
        ("", "neither a host name"),
        ("127.0.0.1%\x1b", "neither a host name"),
    ],
)
def test_not_a_host(host: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        check_host(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST.", "::ffff:127.0.0.1"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["127.1", "localhost.example.org", "0.0.0.0", "::", "10.0.0.1", "2130706433", "::ffff:10.0.0.1"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("one", "other"),
    [("[::1]:1", "[0:0::1]:01"), ("A.example:1", "a.example.:1"), ("127.0.0.1:1", "127.0.0.1:1")],
)
def test_two_writings_of_one_place(one: str, other: str) -> None:
    assert same_place(one) == same_place(other)


def test_two_places() -> None:
    assert len({same_place(address) for address in ("127.0.0.1:1", "127.0.0.1:2", "[::1]:1", "a:1")}) == 4
