"""The names in a CEL text: which fields it asks for, and which functions it calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import cel

from mailproxy.rules import fields
from mailproxy.rules.errors import did_you_mean

FUNCTIONS: Mapping[str, str] = {
    "size": "how many letters or items: size(flags)",
    "has": "whether a part is there: has(client.ip)",
    "int": "to a number",
    "double": "to a number with a fraction",
    "string": "to a string",
    "timestamp": 'a time: timestamp("2026-01-31T00:00:00Z")',
    "duration": 'a length of time: duration("1h30m")',
}
METHODS: Mapping[str, str] = {
    "contains": 'text.contains("x")',
    "startsWith": 'mailbox.startsWith("Archive/")',
    "endsWith": 'user.endsWith("@example.com")',
    "matches": 'text.matches("^[0-9]+$"), a literal RE2 pattern; linear time',
    "lowerAscii": "user.lowerAscii(), A-Z as a-z",
    "inside": 'client.ip.inside("10.0.0.0/8"), a literal network, IPv4 or IPv6',
    "size": "flags.size()",
    "exists": 'flags.exists(f, f.startsWith("$"))',
    "all": 'flags.all(f, f != "x")',
    "exists_one": 'flags.exists_one(f, f == "x")',
    "filter": 'flags.filter(f, f != "x").size() > 0',
    "map": "flags.map(f, f.lowerAscii())",
    "getFullYear": "now.getFullYear()",
    "getMonth": "now.getMonth(), from 0",
    "getDayOfMonth": "now.getDayOfMonth(), from 0",
    "getDayOfWeek": "now.getDayOfWeek(), 0 is Sunday",
    "getHours": "now.getHours(), UTC",
    "getMinutes": "now.getMinutes()",
}
_MACROS = frozenset({"exists", "all", "exists_one", "filter", "map"})
_WORDS = frozenset({"true", "false", "null", "in"})
_PARTS = frozenset({"ip", "name"})
_QUOTED = r"(?:\"\"\"(?:{e}|.)*?\"\"\"|'''(?:{e}|.)*?'''|\"(?:{e}|[^\"\\\n])*\"|'(?:{e}|[^'\\\n])*')"
_RAW, _COOKED = _QUOTED.format(e=r"\\(?!)").replace(r"\\\n]", r"\n]"), _QUOTED.format(e=r"\\.")
_TOKEN = re.compile(
    rf"(?P<comment>//[^\n]*)|(?P<string>[bB]?[rR][bB]?{_RAW}|[bB]?{_COOKED})"
    r"|(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[uU]?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>\S)",
    re.DOTALL,
)


class BadExpression(ValueError):
    """A condition cannot be used. ``row`` and ``column`` count from 1; 0 is unknown."""

    def __init__(self, cause: str, row: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(cause)
        self.row = row
        self.column = column
        self.hint = hint


@dataclass(slots=True)
class Names:
    """What a condition names. ``patterns`` and ``networks`` are literals as they were written."""

    fields: dict[str, int] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    patterns: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self.fields))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


_END = _Token("end", "", 0)


def read_names(source: str, program: cel.Program) -> Names:
    """The fields and functions of a text that the library has accepted as CEL.

    Raises:
        BadExpression: a name is unknown, or stands where it has no meaning.
    """
    reader = _Reader(source)
    reader.read()
    # Where this reading and the library's differ, the condition is not understood.
    called = {name for name in program.functions() if name.isidentifier()} - {"_+_"}
    if not set(program.variables()) <= set(reader.names.variables) | reader.bound or not (
        called <= reader.names.functions | _MACROS
    ):
        raise BadExpression("the condition cannot be understood", hint="write it more plainly")
    return reader.names


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.names = Names()
        self.bound: set[str] = set()
        self._open: list[str] = []  # per open bracket the variable it binds, or ""
        self._tokens = [
            _Token(match.lastgroup or "", match.group(), match.start())
            for match in _TOKEN.finditer(source)
            if match.lastgroup != "comment"
        ]

    def read(self) -> None:
        for at, token in enumerate(self._tokens):
            if token.kind == "name" and token.text not in _WORDS:
                self._name(at, token)
            elif token.text in ("(", "[", "{"):
                self._open.append(self._binds(at) if token.text == "(" else "")
            elif token.text in (")", "]", "}") and self._open:
                self._open.pop()

    def _token(self, at: int) -> _Token:
        return self._tokens[at] if 0 <= at < len(self._tokens) else _END

    def _fail(self, token: _Token, cause: str, hint: str) -> BadExpression:
        before = self.source[: token.start]
        return BadExpression(cause, before.count("\n") + 1, token.start - before.rfind("\n"), hint)

    def _name(self, at: int, token: _Token) -> None:
        called = self._token(at + 1).text == "("
        if self._token(at - 1).text == ".":
            if called:
                self._method(at, token)
            elif self._token(at - 2).text != "client" or token.text not in _PARTS:
                hint = "only client has parts: client.ip and client.name"
                raise self._fail(token, f'nothing has a part "{token.text[:60]}"', hint)
        elif called:
            if token.text not in FUNCTIONS:
                raise self._fail(
                    token, f'unknown function "{token.text[:60]}"', did_you_mean(token.text, FUNCTIONS)
                )
            self.names.functions.add(token.text)
        else:
            self._variable(at, token)

    def _variable(self, at: int, token: _Token) -> None:
        if token.text in self._open:
            return
        name = token.text
        if name == "client":
            if self._token(at + 1).text != "." or self._token(at + 2).text not in _PARTS:
                raise self._fail(token, "client is no value by itself", "write client.ip or client.name")
            name = f"client.{self._token(at + 2).text}"
        if name not in fields.FIELDS:
            raise self._fail(token, f'unknown field "{name[:60]}"', did_you_mean(name, fields.FIELDS))
        self.names.fields.setdefault(name, token.start - self.source[: token.start].rfind("\n"))

    def _method(self, at: int, token: _Token) -> None:
        if token.text not in METHODS:
            raise self._fail(
                token, f'unknown function "{token.text[:60]}"', did_you_mean(token.text, METHODS)
            )
        self.names.functions.add(token.text)
        if token.text in ("matches", "inside"):
            literal = self._token(at + 2)
            if literal.kind != "string" or self._token(at + 3).text != ")":
                hint = "what a client sends must not become a pattern or a network"
                raise self._fail(token, f"{token.text}() takes one string literal", hint)
            (self.names.patterns if token.text == "matches" else self.names.networks).append(literal.text)
        receiver = [self._token(at - back).text for back in (4, 3, 2)]
        if token.text == "inside" and receiver != ["client", ".", "ip"]:
            raise self._fail(
                token, "only client.ip can be inside a network", 'write client.ip.inside("10.0.0.0/8")'
            )

    def _binds(self, at: int) -> str:
        """The variable that a macro's bracket at ``at`` binds, or nothing."""
        macro, variable = self._token(at - 1), self._token(at + 1)
        if macro.text not in _MACROS or self._token(at - 2).text != ".":
            return ""
        if variable.kind != "name" or self._token(at + 2).text != ",":
            raise self._fail(
                macro, f"{macro.text}() needs a name and a question", f"as in {METHODS[macro.text]}"
            )
        if variable.text in fields.FIELDS or variable.text == "client":
            raise self._fail(
                variable, f'"{variable.text}" is a field already', "choose another name, such as x"
            )
        if any(self._open):
            raise self._fail(macro, "a list is gone through inside another", "split it into two rules")
        self.bound.add(variable.text)
        return variable.text
