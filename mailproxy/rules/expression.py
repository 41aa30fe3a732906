"""A rule's condition: CEL text that is checked once and asked often.

Theory of operation. The library says whether the text is CEL; what the names
in it mean is looked up here, from the words of the text, because an unknown
name is found by the library only when a session runs into it. Then the
condition is tried with sample values, which finds types that do not fit.

What keeps the cost of one evaluation small whatever a client sends: patterns
are literals (the library's regular expressions take linear time), no list is
gone through inside another, and the text is short.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import cel

from mailproxy.rules import fields
from mailproxy.rules.words import BadExpression, Names, read_names

MOST_CHARACTERS = 10_000
MOST_OPERATORS = 1_000  # the library recurses over a chain of operators
MOST_REPEATS = 100  # a bounded repeat is unrolled whenever the pattern is compiled

_POSITION = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")
_REPEAT = re.compile(r"\{(\d*),?(\d*)\}")
_CAPITALS = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class NotEvaluated(Exception):
    """A condition could not be evaluated for this command."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. ``needs`` are the variables it has to be given."""

    source: str
    needs: tuple[str, ...]
    used: Mapping[str, int]  # field → column of its first use, counted from 1
    program: cel.Program
    functions: Mapping[str, Callable[..., Any]]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the condition is true for these values of ``needs``.

        Raises:
            NotEvaluated: CEL could not evaluate it, or it is neither true nor false.
        """
        result = _execute(self.program, {**values, **self.functions})
        if result is True or result is False:
            return bool(result)
        raise NotEvaluated(f"it gives {type(result).__name__}, not true or false")


def compile_condition(source: str) -> Condition:
    """Check and compile a condition.

    Raises:
        BadExpression: with row and column in the text, counted from 1, where they are known.
    """
    if not source.strip():
        raise BadExpression("the condition is empty", hint="leave the key out for a rule without a condition")
    if len(source) > MOST_CHARACTERS:
        raise BadExpression(
            f"the condition is longer than {MOST_CHARACTERS} characters", hint="split the rule"
        )
    if sum(source.count(sign) for sign in "+-*/%<>=!&|?.") > MOST_OPERATORS:
        raise BadExpression(
            f"the condition has more than {MOST_OPERATORS} signs", hint='ask with a list: x in ["a", "b"]'
        )
    program = _parse(source)
    found = read_names(source, program)
    for literal in found.patterns:
        _check_pattern(literal)
    networks = {net: _network(net) for net in map(_literal, found.networks)}
    functions: dict[str, Callable[..., Any]] = {}
    if networks:
        functions["inside"] = lambda ip, net: _address(ip) in networks[net]
    if "lowerAscii" in found.functions:
        functions["lowerAscii"] = lambda value: value.translate(_CAPITALS)
    condition = Condition(source, found.variables, found.fields, program, functions)
    _try(condition, found)
    return condition


def _execute(program: cel.Program, values: dict[str, Any]) -> Any:
    try:
        return program.execute(values)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the library is no Exception, and must not end a session
        raise NotEvaluated(_shown(error)) from error


def _shown(error: BaseException) -> str:
    text = (str(error).splitlines() or [""])[0][:120]
    return "".join(letter if letter.isprintable() else "?" for letter in text) or type(error).__name__


def _parse(source: str) -> cel.Program:
    try:
        return cel.compile(source)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        match = _POSITION.search(str(error))
        if match is None:
            raise BadExpression(f"the condition is not CEL: {_shown(error)}") from error
        cause = match[3].split(" expecting ")[0].replace("mismatched input '<EOF>'", "it ends too early")
        raise BadExpression(f"the condition is not CEL: {cause}", int(match[1]), int(match[2])) from error


def _literal(token: str) -> str:
    value = _execute(_parse(token), {})
    if not isinstance(value, str):
        raise BadExpression(f"{token[:40]} is not a string")
    return value


def _check_pattern(token: str) -> None:
    pattern = _literal(token)
    if any(int(number) > MOST_REPEATS for pair in _REPEAT.findall(pattern) for number in pair if number):
        raise BadExpression(
            f"a pattern repeats something more than {MOST_REPEATS} times",
            hint="use + or *, or compare size()",
        )
    try:
        _execute(_parse(f'"".matches({token})'), {})
    except NotEvaluated as error:
        raise BadExpression(
            f"matches() has no valid pattern: {pattern[:60]!r}",
            hint="look-around and back-references do not exist",
        ) from error


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise BadExpression(f"inside() needs a network: {error}", hint='write it as "10.0.0.0/8"') from error


def _address(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address  # a socket of both families shows 10.0.0.1 as ::ffff:10.0.0.1


def _try(condition: Condition, found: Names) -> None:
    for filled in (False, True):
        values = {name: fields.sample(name, filled) for name in condition.needs}
        try:
            condition.holds(values)
        except NotEvaluated as error:
            cause = error.__cause__
            if cause is None:
                raise BadExpression(
                    f"the condition is not a question: {error}", hint="compare it: … == …"
                ) from error
            undefined = "Undefined variable or function" in str(cause)
            if isinstance(cause, TypeError) or undefined:
                raise BadExpression(
                    f"the condition cannot be evaluated: {_shown(cause)}",
                    hint="mailproxy rules fields shows the type of each field",
                ) from error
