"""Events: plain data, and a kind of octets that never shows itself."""

from __future__ import annotations

import logging

import pytest

from mailproxy.events import Event, Fault, Secret, SessionEnded

SECRET = Secret(b"opensesame")


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r}",
        f"{SECRET:>40}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031
        str([SECRET]),
        str({"password": SECRET}),
        repr(ValueError(SECRET)),
        logging.LogRecord("x", 20, "x", 1, "%s", (SECRET,), None).getMessage(),
    ],
)
def test_a_secret_never_shows_itself(shown: str) -> None:
    assert "opensesame" not in shown
    assert "<secret>" in shown


def test_a_secret_is_the_octets_it_was_made_of() -> None:
    assert SECRET == b"opensesame"
    assert isinstance(SECRET, bytes)


def test_every_fault_has_its_word() -> None:
    assert {fault.value for fault in Fault} == {"client", "server", "network", "tls", "config", "ours"}


def test_two_summaries_share_no_counts() -> None:
    one, other = (SessionEnded("pop3", "x", "", 1.0, 0, 0, 0, "", "") for _ in range(2))
    one.verdicts["block"] = 1
    assert other.verdicts == {}


def test_events_are_plain_data_of_fixed_shape() -> None:
    for kind in Event.__args__:
        assert kind.__slots__ == tuple(kind.__dataclass_fields__), kind
        assert "password" not in kind.__dataclass_fields__
