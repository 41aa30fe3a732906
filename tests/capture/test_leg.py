"""What was said goes into the file, octet for octet, but for what nobody may see."""

from __future__ import annotations

import re

import pytest

from mailproxy.capture.leg import Leg
from mailproxy.proto.tokens import Side
from tests.capture.logins import ECHOES, LOGINS, Login, Said, dialogue
from tests.capture.written import Written
from tests.play import Cut, byte_by_byte, random_cuts, whole

CUTS = {"whole": whole, "byte by byte": byte_by_byte, **{f"seed {n}": random_cuts(n) for n in range(3)}}
FEW = 4  # so many octets of a secret in a row are too many


def written(
    protocol: str, said: Said, cut: Cut = whole, octets: int | None = None, secrets: bool = False
) -> Written:
    sink = Written()
    leg = Leg(protocol, sink, octets, secrets)
    for index, (side, data) in enumerate(said):
        for piece in cut(data):
            leg.said(side, [piece], float(index))
    leg.close(99.0)
    return sink


def of(side: Side, said: Said) -> bytes:
    return b"".join(data for by, data in said if by is side)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("login", LOGINS + ECHOES, ids=lambda login: f"{login.protocol} {login.name}")
def test_secrets_become_stars_and_nothing_else_changes(login: Login, cut: Cut) -> None:
    sink = written(login.protocol, login.said, cut)
    for side in Side:
        true, shown = of(side, login.said), sink.said(side)
        assert len(shown) == len(true)
        assert all(a == b or b == ord("*") for a, b in zip(true, shown, strict=True))
    for secret in login.secrets:
        for start in range(len(secret) - FEW + 1):
            assert secret[start : start + FEW] not in sink.everything, (secret[start:], sink.everything)


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("login", LOGINS, ids=lambda login: f"{login.protocol} {login.name}")
def test_with_secrets_all_is_as_it_was_said(login: Login, cut: Cut) -> None:
    sink = written(login.protocol, login.said, cut, secrets=True)
    assert [sink.said(side) for side in Side] == [of(side, login.said) for side in Side]
