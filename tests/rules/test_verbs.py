from __future__ import annotations

import pytest

from mailproxy.rules.verbs import TABLES, UnknownVerb, expand


def names(entry: str) -> list[str]:
    return [f"{protocol} {verb.name}" for protocol, verb in expand(entry)]


def test_entries() -> None:
    assert names("pop3 DELE") == names("POP3  dele") == ["pop3 DELE"]
    assert names("imap UID EXPUNGE") == ["imap UID EXPUNGE"]
    assert names("imap *") == [f"imap {name}" for name in TABLES["imap"]]
    assert names("pop3 removes") == ["pop3 DELE", "pop3 QUIT"]
    assert {"imap CLOSE", "imap UID MOVE", "imap DELETE"} <= set(names("imap removes"))
    assert "imap FETCH" not in names("imap removes")
    assert names("login") == names("LOGIN")
    assert set(names("login")) == {
        *("pop3 PASS", "pop3 APOP", "pop3 AUTH"),
        *("imap LOGIN", "imap AUTHENTICATE", "smtp AUTH"),
    }


@pytest.mark.parametrize("entry", ["", " ", "*", "* DELE", "pop3", "pop3 XDELE", "imap LOGIN*", "login now"])
def test_unknown(entry: str) -> None:
    with pytest.raises(UnknownVerb) as caught:
        expand(entry)
    assert caught.value.hint
