"""The names that certificates are made for, and the fence around them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509

from mailproxy.tls.errors import TlsError
from mailproxy.tls.names import as_address, constraints, normal_names, permits, shown, subject_name

FILE = Path("m.toml")


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("LocalHost", "localhost"),
        ("mail.example.org.", "mail.example.org"),
        ("müller.example", "xn--mller-kva.example"),
        ("my_host", "my_host"),
        ("127.0.0.1", "127.0.0.1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("[::1]", "::1"),
    ],
)
def test_one_spelling(written: str, normal: str) -> None:
    assert normal_names([written, normal], FILE) == (normal,)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("*.example.org", "neither a host name nor an address"),
        ("a b", "neither a host name nor an address"),
        ("-a", "neither a host name nor an address"),
        ("a-.b", "neither a host name nor an address"),
        ("a..b", "neither a host name nor an address"),
        ("", "neither a host name nor an address"),
        ("x" * 64, "neither a host name nor an address"),
        (".".join(["abcdefgh"] * 30), "neither a host name nor an address"),
        ("fe80::1%eth0", "has a zone"),
    ],
)
def test_no_name(name: str, cause: str) -> None:
    with pytest.raises(TlsError, match=cause) as caught:
        normal_names([name], FILE)
    assert caught.value.file == FILE
    assert len(str(caught.value)) < 250


def test_no_name_at_all() -> None:
    with pytest.raises(TlsError, match="there is no name to make a certificate for"):
        normal_names([], FILE)


def test_names_in_a_certificate() -> None:
    assert subject_name("a.example") == x509.DNSName("a.example")
    assert subject_name("::1") == x509.IPAddress(ip_address("::1"))
    assert as_address("a.example") is None


@pytest.mark.parametrize(
    ("fence", "inside", "outside"),
    [
        (["a.example"], ["a.example", "b.a.example"], ["example", "ba.example", "127.0.0.1"]),
        (["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2", "::1", "a.example"]),
        (["a.example", "::1"], ["a.example", "::1"], ["::2", "127.0.0.1", "c"]),
    ],
)
def test_the_fence(fence: list[str], inside: list[str], outside: list[str]) -> None:
    made = constraints(fence)
    assert [name for name in (*inside, *outside) if permits(made, name)] == inside


def test_a_fence_without_anything_permitted_lets_nothing_through() -> None:
    assert not permits(x509.NameConstraints(None, [x509.DNSName("a")]), "b")
    assert not permits(x509.NameConstraints([x509.RFC822Name("a")], None), "a")


@pytest.mark.parametrize(
    ("names", "excluded"),
    [
        (["a", "127.0.0.1"], None),
        (["127.0.0.1"], [x509.DNSName("")]),
        (["a"], [x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))]),
    ],
)
def test_a_kind_that_is_not_permitted_is_excluded_whole(
    names: list[str], excluded: list[x509.GeneralName] | None
) -> None:
    assert constraints(names).excluded_subtrees == excluded


def test_names_as_a_person_writes_them() -> None:
    names = [
        *(subject_name(name) for name in ("a", "127.0.0.1", "::1")),
        *(constraints(["127.0.0.1", "::1"]).permitted_subtrees or ()),
        x509.RFC822Name("x@y"),
    ]
    assert shown(names) == ("a", "127.0.0.1", "::1", "127.0.0.1", "::1")
