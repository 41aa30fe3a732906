"""From the tables of a rule file to rules: what TOML cannot check is checked here."""

from __future__ import annotations

import re
from pathlib import Path

from mailproxy.proto.tokens import Verb
from mailproxy.rules import fields
from mailproxy.rules.errors import RuleError, did_you_mean
from mailproxy.rules.expression import Condition, compile_condition
from mailproxy.rules.given import BadGiven, given_from_table
from mailproxy.rules.places import Places
from mailproxy.rules.rule import Example, Rule
from mailproxy.rules.schema import ExampleTable, RuleTable
from mailproxy.rules.settings import (
    COMMANDS,
    OF_ONE_MESSAGE,
    ONCE_A_SESSION,
    BadSetting,
    named,
    settings_of,
)
from mailproxy.rules.verbs import TABLES, UnknownVerb, expand
from mailproxy.rules.words import BadExpression
from mailproxy.session.verdict import Action, Settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WORDS = frozenset(action.value for action in Action)
LONGEST_REPLY = 200
LONGEST_WHY = 500


class Compiler:
    """Makes the rules of one file."""

    def __init__(self, file: Path, places: Places) -> None:
        self._file = file
        self._places = places

    def rule(self, index: int, table: RuleTable) -> Rule:
        """The rule with this index in its file.

        Raises:
            RuleError: it cannot be used.
        """
        name, action = self._rule_name(index, table), self._action(index, table)
        verbs = self._verbs(index, table.on)
        self._fits(index, action, verbs)
        self._texts(index, table, action)
        if table.mode not in ("enforce", "observe"):
            cause = f'unknown mode "{table.mode[:40]}"'
            raise self._error(index, "mode", cause, did_you_mean(table.mode, ("enforce", "observe")))
        condition = None if table.when is None else self._condition(index, table.when, verbs)
        self._decided_in_time(index, action, condition)
        return Rule(
            name=name,
            action=action,
            verbs=verbs,
            condition=condition,
            enforce=table.mode == "enforce",
            why=table.why,
            reply=table.reply,
            on=tuple(table.on),
            file=self._file,
            line=self._places.line(("rule", index)),
            examples=tuple(self._example(index, at, each, verbs) for at, each in enumerate(table.example)),
            settings=self._settings(index, action, table),
        )

    def _error(self, index: int, key: str, cause: str, hint: str = "") -> RuleError:
        return RuleError(self._file, self._places.line(("rule", index, key)), cause, hint)

    def _rule_name(self, index: int, table: RuleTable) -> str:
        if not _NAME.fullmatch(table.name):
            cause = f'"{_plain(table.name[:80])}" is no name for a rule'
            raise self._error(index, "name", cause, "use up to 64 letters, digits and . _ -")
        return table.name

    def _action(self, index: int, table: RuleTable) -> Action:
        word = table.do
        if word not in _WORDS:
            raise self._error(
                index, "do", f'unknown action "{_plain(word[:40])}"', did_you_mean(word, _WORDS)
            )
        return Action(word)

    def _verbs(self, index: int, entries: list[str]) -> tuple[tuple[str, Verb], ...]:
        if not entries:
            raise self._error(
                index, "on", "on is empty, so the rule would do nothing", 'name a command: on = ["pop3 DELE"]'
            )
        found: dict[tuple[str, str], Verb] = {}
        for entry in entries:
            try:
                found.update({(protocol, verb.name): verb for protocol, verb in expand(entry)})
            except UnknownVerb as error:
                raise self._error(index, "on", f"on: {_plain(str(error))}", error.hint) from error
        return tuple((protocol, verb) for (protocol, _), verb in found.items())

    def _fits(self, index: int, action: Action, verbs: tuple[tuple[str, Verb], ...]) -> None:
        """Is the action one for all of these commands?"""
        only = COMMANDS.get(action)
        for protocol, verb in verbs:
            if only and (protocol, verb.name) not in only:
                cause = f'do = "{action.value}" is not for {protocol} {verb.name}'
                raise self._error(
                    index, "do", cause, f"it is for {named(only)} alone; write a rule of its own"
                )

    def _settings(self, index: int, action: Action, table: RuleTable) -> Settings:
        try:
            return settings_of(action, table)
        except BadSetting as error:
            raise self._error(index, error.key, str(error), error.hint) from error

    def _decided_in_time(self, index: int, action: Action, condition: Condition | None) -> None:
        """What is hidden from a program is known before it lists its messages."""
        used = condition.used if condition and action in ONCE_A_SESSION else {}
        for name in OF_ONE_MESSAGE:
            if name in used:
                at = f"(column {used[name]} of the condition)"
                cause = f'when: do = "{action.value}" cannot ask for "{name}" {at}'
                hint = "it is decided once for the whole session; ask for user, client.ip or listener"
                raise self._error(index, "when", cause, hint)

    def _texts(self, index: int, table: RuleTable, action: Action) -> None:
        if len(table.why) > LONGEST_WHY or _plain(table.why) != table.why:
            raise self._error(
                index, "why", "why is not one short line of text", f"at most {LONGEST_WHY} characters"
            )
        if table.reply and action not in (Action.BLOCK, Action.CLOSE):
            raise self._error(index, "reply", f'do = "{action.value}" answers nothing', "leave reply out")
        if len(table.reply) > LONGEST_REPLY or not re.fullmatch(r"[ -~]*", table.reply):
            hint = f"at most {LONGEST_REPLY} printable ASCII characters, no line ends"
            raise self._error(index, "reply", "reply cannot stand in a protocol's answer", hint)
        if table.reply.lstrip().startswith("["):
            raise self._error(
                index, "reply", "reply begins with a response code", "the proxy sets codes; write words"
            )

    def _condition(self, index: int, source: str, verbs: tuple[tuple[str, Verb], ...]) -> Condition:
        try:
            condition = compile_condition(source)
        except BadExpression as error:
            line = self._places.line(("rule", index, "when")) + max(error.row - 1, 0)
            where = f" (column {error.column} of the condition)" if error.column else ""
            raise RuleError(self._file, line, f"when: {_plain(str(error))}{where}", error.hint) from error
        for name, column in condition.used.items():
            for protocol, verb in verbs:
                if name not in fields.SESSION and name not in fields.names(verb):
                    where = f"(column {column} of the condition)"
                    cause = f'when: {protocol} {verb.name} has no field "{name}" {where}'
                    has = ", ".join(fields.names(verb)) or "none but those of the session"
                    raise self._error(index, "when", cause, f"its fields: {has}")
        return condition

    def _example(
        self, index: int, at: int, table: ExampleTable, verbs: tuple[tuple[str, Verb], ...]
    ) -> Example:
        def error(key: str, cause: str, hint: str) -> RuleError:
            line = self._places.line(("rule", index, "example", at, key))
            return RuleError(self._file, line, f"example: {cause}", hint)

        if table.expect not in _WORDS | {"forward"}:
            hint = did_you_mean(table.expect, _WORDS | {"forward"})
            raise error("expect", f'unknown word "{_plain(table.expect[:40])}" in expect', hint)
        if not table.send or not all(line and _plain(line) == line for line in table.send):
            hint = 'one string for each line, without line ends: send = ["DELE 1"]'
            raise error("send", "send needs lines as a client sends them", hint)
        protocols = dict.fromkeys(protocol for protocol, _ in verbs)
        protocol = table.given.protocol or next(iter(protocols))
        if protocol not in TABLES or (table.given.protocol is None and len(protocols) > 1):
            raise error("given", "the protocol is not known", 'say it: given = { protocol = "pop3" }')
        try:
            given = given_from_table(table.given, protocol)
        except BadGiven as cause:
            raise error("given", str(cause), cause.hint) from cause
        return Example(
            given,
            tuple(table.send),
            table.expect,
            self._places.line(("rule", index, "example", at)),
        )


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
