from __future__ import annotations

import pytest

from mailproxy.rules.given import BadGiven, given_from_words


def test_words() -> None:
    given = given_from_words(
        "pop3", ["user=a=b", "client.ip=::1", "client.name=desk", "tls=false", "recipients=3"]
    )
    assert (given.protocol, given.user, given.client_ip, given.client_name) == ("pop3", "a=b", "::1", "desk")
    assert (given.tls, given.recipients) == (False, 3)


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        ("user", "not name=value"),
        ("usr=x", "not name=value"),
        ("client=x", "not name=value"),
        ("tls=maybe", "bool"),
        ("recipients=x", "int"),
        ("recipients=-1", "negative"),
        ("client.ip=desk", "no address"),
    ],
)
def test_wrong_words(word: str, cause: str) -> None:
    with pytest.raises(BadGiven, match=cause) as caught:
        given_from_words("pop3", [word])
    assert caught.value.hint
