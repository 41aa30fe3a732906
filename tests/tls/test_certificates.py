"""Certificates of the local authority: what stands in them, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailproxy.tls.certificates import (
    AUTHORITY_LIFE,
    BACKDATED,
    LEAF_LIFE,
    key_to_pem,
    new_authority,
    new_key,
    new_leaf,
    to_pem,
)
from mailproxy.tls.names import constraints, permits

NOW = datetime(2026, 3, 1, 12, 30, 15, 999_999, tzinfo=UTC)
WHOLE = NOW.replace(microsecond=0)
NAMES = ("mail.example.org", "127.0.0.1")
KEY, LEAF_KEY = new_key(), new_key()
AUTHORITY = new_authority(KEY, NAMES, NOW)


def leaf(names: tuple[str, ...] = NAMES, now: datetime = NOW) -> x509.Certificate:
    return new_leaf(LEAF_KEY.public_key(), names, AUTHORITY, KEY, now)


def extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.Extension[Any]:
    return certificate.extensions.get_extension_for_class(kind)


def test_the_authority_signs_servers_of_its_names_alone() -> None:
    AUTHORITY.verify_directly_issued_by(AUTHORITY)
    basic = extension(AUTHORITY, x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    fence = extension(AUTHORITY, x509.NameConstraints)
    assert fence.critical
    assert fence.value == constraints(NAMES)
    assert not permits(fence.value, "other.example.org")
    usage = extension(AUTHORITY, x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (True, True, False)
    purposes = list(extension(AUTHORITY, x509.ExtendedKeyUsage).value)
    assert purposes == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_two_authorities_can_be_told_apart() -> None:
    other = new_authority(new_key(), NAMES, NOW)
    assert other.subject != AUTHORITY.subject
    assert other.serial_number != AUTHORITY.serial_number
    for authority in (AUTHORITY, other):
        (name,) = authority.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert str(name.value).startswith("mailproxy local CA ")


def test_the_life_of_an_authority() -> None:
    start = WHOLE - BACKDATED
    assert (AUTHORITY.not_valid_before_utc, AUTHORITY.not_valid_after_utc) == (start, start + AUTHORITY_LIFE)


def test_a_leaf_is_a_server_and_signs_nothing() -> None:
    made = leaf()
    made.verify_directly_issued_by(AUTHORITY)
    assert extension(made, x509.BasicConstraints).value.ca is False
    usage = extension(made, x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_cert_sign) == (True, False)
    assert list(extension(made, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    names = extension(made, x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.org"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    mark = extension(AUTHORITY, x509.SubjectKeyIdentifier).value.digest
    assert extension(made, x509.AuthorityKeyIdentifier).value.key_identifier == mark


@pytest.mark.parametrize(
    ("now", "start", "life"),
    [
        (NOW, WHOLE - BACKDATED, LEAF_LIFE),
        (NOW - BACKDATED, WHOLE - BACKDATED, LEAF_LIFE),
        (NOW + AUTHORITY_LIFE - BACKDATED * 6, WHOLE + AUTHORITY_LIFE - BACKDATED * 7, BACKDATED * 6),
        (NOW + AUTHORITY_LIFE * 2, WHOLE + AUTHORITY_LIFE - BACKDATED * 2, BACKDATED),
    ],
    ids=["now", "a clock that went back", "near the authority's end", "behind it"],
)
def test_a_leaf_never_outlives_its_authority(now: datetime, start: datetime, life: timedelta) -> None:
    made = leaf(now=now)
    assert made.not_valid_before_utc == start
    assert made.not_valid_after_utc - made.not_valid_before_utc == life
    assert made.not_valid_after_utc <= AUTHORITY.not_valid_after_utc


def test_what_some_systems_demand() -> None:
    assert LEAF_LIFE + timedelta(seconds=1) < timedelta(days=200)


@pytest.mark.parametrize(
    ("names", "common"),
    [
        (("127.0.0.1", "a.example", "b.example"), ["a.example"]),
        (("127.0.0.1", "::1"), []),
        (("a" * 60 + ".example", "b.example"), ["b.example"]),
    ],
)
def test_the_common_name_is_a_host_name_or_missing(names: tuple[str, ...], common: list[str]) -> None:
    attributes = leaf(names).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert [attribute.value for attribute in attributes] == common


def test_pem_there_and_back() -> None:
    assert x509.load_pem_x509_certificate(to_pem(AUTHORITY)) == AUTHORITY
    key = load_pem_private_key(key_to_pem(KEY), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.private_numbers() == KEY.private_numbers()
    assert key.curve.name == "secp256r1"
