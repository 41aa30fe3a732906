"""The keys beside ``do``: what they mean, and for whom they are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mailproxy.rules.schema import RuleTable
from mailproxy.rules.settings import COMMANDS, BadSetting, described, named, settings_of
from mailproxy.rules.verbs import TABLES
from mailproxy.session.verdict import DEFAULT_SETTINGS, GUARDED, Action, Settings


def settings(action: Action, **keys: Any) -> Settings:
    table = {"name": "a", "on": ["pop3 DELE"], "do": action.value, **keys}
    return settings_of(action, msgspec.convert(table, RuleTable))


@pytest.mark.parametrize(
    ("action", "keys", "expected"),
    [
        (Action.BLOCK, {}, DEFAULT_SETTINGS),
        (Action.ARCHIVE, {}, DEFAULT_SETTINGS),
        (Action.KEEP, {}, Settings(keep_for=None, view="user")),
        (Action.KEEP, {"keep_for": "30d", "view": "listener"}, Settings(keep_for=2_592_000, view="listener")),
        (Action.KEEP, {"view": "client.ip"}, Settings(view="client.ip")),
        (Action.DELAY, {"keep_for": "2w"}, Settings(keep_for=1_209_600, view="client.ip")),
        (Action.DELAY, {"keep_for": "2w", "view": "user"}, Settings(keep_for=1_209_600, view="user")),
        (Action.TRASH, {}, Settings(mailbox="Trash")),
        (Action.TRASH, {"trash": "[Gmail]/Bin 2"}, Settings(mailbox="[Gmail]/Bin 2")),
        (Action.TRASH, {"empty": True}, Settings(empty=True)),
        (Action.TRASH, {"empty": False, "trash": "Bin"}, Settings(mailbox="Bin", empty=False)),
        (Action.BRAKE, {"limit": 100}, Settings(limit=100, percent=0, within=3600)),
        (Action.BRAKE, {"percent": 50}, Settings(limit=0, percent=50, within=3600)),
        (
            Action.BRAKE,
            {"limit": 1, "percent": 12.5, "within": "10m"},
            Settings(limit=1, percent=12.5, within=600),
        ),
    ],
)
def test_what_the_keys_say(action: Action, keys: dict[str, Any], expected: Settings) -> None:
    assert settings(action, **keys) == expected


@pytest.mark.parametrize(
    ("action", "keys", "key", "cause", "hint"),
    [
        (Action.DELAY, {}, "do", 'do = "delay" needs keep_for', 'keep_for = "14d"'),
        (Action.KEEP, {"keep_for": "soon"}, "keep_for", 'keep_for: "soon" is no length', "as in 30d"),
        (Action.KEEP, {"keep_for": "0d"}, "keep_for", 'keep_for: "0d" is too short', "from 1s"),
        (Action.KEEP, {"view": "users"}, "view", 'unknown view "users"', 'did you mean "user"?'),
        (Action.KEEP, {"view": ""}, "view", 'unknown view ""', "client.ip, listener, user"),
        (Action.TRASH, {"trash": ""}, "trash", '"" cannot be the trash', 'trash = "Trash"'),
        (Action.TRASH, {"trash": "inbox"}, "trash", "cannot be the trash", "not INBOX"),
        (Action.TRASH, {"trash": 'a"b'}, "trash", "cannot be the trash", "ASCII"),
        (Action.TRASH, {"trash": "a\r\nb"}, "trash", '"a??b" cannot be the trash', "ASCII"),
        (Action.TRASH, {"trash": "Papierkörbe"}, "trash", "cannot be the trash", "ASCII"),
        (Action.TRASH, {"trash": "Trash*"}, "trash", "cannot be the trash", "ASCII"),
        (Action.TRASH, {"trash": " Trash"}, "trash", "cannot be the trash", "ASCII"),
        (Action.TRASH, {"trash": "x" * 101}, "trash", "cannot be the trash", "100"),
        (Action.BRAKE, {}, "do", "needs limit or percent", "limit = 100"),
        (Action.BRAKE, {"within": "1h"}, "do", "needs limit or percent", "percent = 50"),
        (Action.BRAKE, {"limit": 0}, "limit", "limit is 0", 'do = "block"'),
        (Action.BRAKE, {"limit": -5}, "limit", "limit is -5", ""),
        (Action.BRAKE, {"percent": 0}, "percent", "percent is 0", "above 0"),
        (Action.BRAKE, {"percent": 100}, "percent", "percent is 100", "below 100"),
        (Action.BRAKE, {"percent": float("nan")}, "percent", "percent is nan", ""),
        (Action.BRAKE, {"limit": 1, "within": "1 h"}, "within", 'within: "1 h" is no length', ""),
    ],
)
def test_what_makes_no_sense(action: Action, keys: dict[str, Any], key: str, cause: str, hint: str) -> None:
    with pytest.raises(BadSetting) as caught:
        settings(action, **keys)
    assert caught.value.key == key
    assert cause in str(caught.value)
    assert hint in caught.value.hint


VALUES: dict[str, Any] = {
    "keep_for": "30d",
    "view": "user",
    "trash": "Trash",
    "empty": False,
    "limit": 100,
    "percent": 50,
    "within": "1h",
}
FOR = {
    Action.KEEP: {"keep_for", "view"},
    Action.DELAY: {"keep_for", "view"},
    Action.TRASH: {"trash", "empty"},
    Action.BRAKE: {"limit", "percent", "within"},
}


@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("action", Action)
def test_a_key_is_for_its_actions_alone(action: Action, key: str) -> None:
    needed = {Action.DELAY: {"keep_for": "1d"}, Action.BRAKE: {"limit": 1}}.get(action, {})
    table = {**needed, key: VALUES[key]}
    if key in FOR.get(action, set()):
        settings(action, **table)
        return
    with pytest.raises(BadSetting) as caught:
        settings(action, **table)
    assert (caught.value.key, str(caught.value)) == (key, f'do = "{action.value}" has no {key}')
    assert "leave it out" in caught.value.hint


@pytest.mark.parametrize("action", Action)
def test_settings_are_described_by_their_keys(action: Action) -> None:
    assert described(action, DEFAULT_SETTINGS).keys() == FOR.get(action, set())


def test_the_trash_is_described_by_its_key() -> None:
    assert described(Action.TRASH, Settings(mailbox="Bin")) == {"trash": "Bin", "empty": True}


def test_the_commands_of_an_action_exist_and_may_remove_mail() -> None:
    assert COMMANDS.keys() >= GUARDED
    for action in GUARDED:
        assert all(TABLES[protocol][verb].removes for protocol, verb in COMMANDS[action])


def test_commands_are_named_as_in_a_rule() -> None:
    assert named(COMMANDS[Action.ARCHIVE][:2]) == '"pop3 DELE", "imap EXPUNGE"'
