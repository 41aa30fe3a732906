"""What a rule says beside its action, and which actions each key, each command and each field is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mailproxy.rules.duration import BadDuration, parse_duration
from mailproxy.rules.errors import did_you_mean
from mailproxy.rules.schema import RuleTable
from mailproxy.session.verdict import DEFAULT_SETTINGS, Action, Settings

COMMANDS: Mapping[Action, tuple[tuple[str, str], ...]] = {
    Action.EXAMINE: (("imap", "SELECT"),),
    Action.UNSELECT: (("imap", "CLOSE"),),
    Action.KEEP: (("pop3", "DELE"),),
    Action.DELAY: (("pop3", "DELE"),),
    Action.TRASH: (
        ("imap", "EXPUNGE"),
        ("imap", "UID EXPUNGE"),
        ("imap", "CLOSE"),
        ("imap", "REPLACE"),
        ("imap", "UID REPLACE"),
    ),
    Action.ARCHIVE: (("pop3", "DELE"), ("imap", "EXPUNGE"), ("imap", "UID EXPUNGE"), ("imap", "CLOSE")),
    Action.BRAKE: (
        ("pop3", "DELE"),
        ("imap", "EXPUNGE"),
        ("imap", "UID EXPUNGE"),
        ("imap", "CLOSE"),
        ("imap", "MOVE"),
        ("imap", "UID MOVE"),
    ),
}
"""The commands of an action that is not for all of them."""

ONCE_A_SESSION = frozenset({Action.KEEP, Action.DELAY})
"""The actions that are decided on when a session begins, before any message is named."""

OF_ONE_MESSAGE = ("set", "text")
"""The fields of DELE that no condition of such a rule may use."""

VIEWS = ("user", "listener", "client.ip")

_KEYS: Mapping[str, tuple[str, tuple[Action, ...]]] = {  # with their attribute of Settings
    "keep_for": ("keep_for", (Action.KEEP, Action.DELAY)),
    "view": ("view", (Action.KEEP, Action.DELAY)),
    "trash": ("mailbox", (Action.TRASH,)),
    "empty": ("empty", (Action.TRASH,)),
    "limit": ("limit", (Action.BRAKE,)),
    "percent": ("percent", (Action.BRAKE,)),
    "within": ("within", (Action.BRAKE,)),
}
# Names that go to every server as they are: nothing to be quoted, encoded, or taken for a pattern.
_MAILBOX = re.compile(r'(?! )[^\x00-\x1f\x7f-\U0010ffff"\\*%&]{1,100}(?<! )')


class BadSetting(ValueError):
    """A key cannot be used as it is. ``hint`` says what can be done."""

    def __init__(self, key: str, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.key = key
        self.hint = hint


def settings_of(action: Action, table: RuleTable) -> Settings:
    """What the keys of the table say for this action; what is not said has its default.

    Raises:
        BadSetting: a key is for another action, a needed one is missing, or a value makes no sense.
    """
    for key, (_, actions) in _KEYS.items():
        if getattr(table, key) is not None and action not in actions:
            meant = " and ".join(f'do = "{each.value}"' for each in actions)
            raise BadSetting(key, f'do = "{action.value}" has no {key}', f"it is for {meant}; leave it out")
    if action in (Action.KEEP, Action.DELAY):
        return _kept(action, table)
    if action is Action.TRASH:
        empty = DEFAULT_SETTINGS.empty if table.empty is None else table.empty
        return Settings(mailbox=_mailbox(table.trash), empty=empty)
    if action is Action.BRAKE:
        return _brake(table)
    return DEFAULT_SETTINGS


def described(action: Action, settings: Settings) -> dict[str, object]:
    """The settings that mean something to the action, by key; durations in seconds."""
    return {
        key: getattr(settings, attribute) for key, (attribute, actions) in _KEYS.items() if action in actions
    }


def _kept(action: Action, table: RuleTable) -> Settings:
    if table.keep_for is None and action is Action.DELAY:
        hint = 'say how long, as in keep_for = "14d"; or use do = "keep" to keep it for good'
        raise BadSetting("do", 'do = "delay" needs keep_for', hint)
    usual = "client.ip" if action is Action.DELAY else "user"
    view = usual if table.view is None else table.view
    if view not in VIEWS:
        raise BadSetting("view", f'unknown view "{_plain(view[:40])}"', did_you_mean(view, VIEWS))
    keep_for = None if table.keep_for is None else _seconds("keep_for", table.keep_for)
    return Settings(keep_for=keep_for, view=view)


def _mailbox(name: str | None) -> str:
    if name is None:
        return DEFAULT_SETTINGS.mailbox
    if not _MAILBOX.fullmatch(name) or name.upper() == "INBOX":
        hint = 'up to 100 ASCII characters without " \\ * % &, and not INBOX; as in trash = "Trash"'
        raise BadSetting("trash", f'"{_plain(name[:40])}" cannot be the trash', hint)
    return name


def _brake(table: RuleTable) -> Settings:
    if table.limit is None and table.percent is None:
        hint = "say how many messages may go, as in limit = 100, or how much of the mailbox: percent = 50"
        raise BadSetting("do", 'do = "brake" needs limit or percent', hint)
    if table.limit is not None and table.limit < 1:
        hint = 'a number from 1; to allow no deletion at all use do = "block"'
        raise BadSetting("limit", f"limit is {table.limit}", hint)
    if table.percent is not None and not 0 < table.percent < 100:
        raise BadSetting("percent", f"percent is {table.percent:g}", "a number above 0 and below 100")
    within = DEFAULT_SETTINGS.within if table.within is None else _seconds("within", table.within)
    return Settings(limit=table.limit or 0, percent=float(table.percent or 0), within=within)


def _seconds(key: str, text: str) -> float:
    try:
        return parse_duration(text)
    except BadDuration as error:
        raise BadSetting(key, f"{key}: {error.cause}", error.hint) from error


def named(commands: Iterable[tuple[str, str]]) -> str:
    """Pairs of protocol and verb as they stand in a rule's ``on``."""
    return ", ".join(f'"{protocol} {verb}"' for protocol, verb in commands)


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
