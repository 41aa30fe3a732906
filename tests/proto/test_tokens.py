"""Tokens: sides, commands that parse late and never show themselves, errors."""

from __future__ import annotations

from typing import Any

import pytest

from mailproxy.proto.tokens import BadArguments, Command, Reply, Side, WireError


def test_each_side_has_the_other() -> None:
    assert [side.other for side in (Side.CLIENT, Side.SERVER)] == [Side.SERVER, Side.CLIENT]
    assert ["client's", "server's"][Side.SERVER] == "server's"


def test_arguments_are_parsed_when_asked_for_and_only_once() -> None:
    parsed: list[bytes] = []

    def parse(command: Command) -> dict[str, Any]:
        parsed.append(command.args)
        return {"set": "1"}

    command = Command("DELE", b"DELE 1\r\n", b"1", parse=parse)
    assert parsed == []
    assert command.fields is command.fields
    assert command.fields == {"set": "1"}
    assert parsed == [b"1"]


def test_a_command_without_grammar_has_no_fields() -> None:
    assert Command("NOOP", b"NOOP\r\n").fields == {}


def test_arguments_that_cannot_be_parsed_raise_each_time() -> None:
    def parse(command: Command) -> dict[str, Any]:
        raise BadArguments("a number expected")

    command = Command("DELE", b"DELE x\r\n", b"x", parse=parse)
    for _ in range(2):
        with pytest.raises(BadArguments, match="a number expected"):
            _ = command.fields


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (Command("PASS", b"PASS opensesame\r\n", b"opensesame"), "<Command PASS 17 octets>"),
        (Command("", b"opensesame\r\n"), "<Command ? 12 octets>"),
    ],
)
def test_a_command_shows_no_argument(command: Command, shown: str) -> None:
    assert repr(command) == str(command) == shown


def test_a_reply_is_whole_and_final_unless_told() -> None:
    reply = Reply(b"+OK\r\n", "OK")
    assert (reply.tag, reply.more, reply.final) == (b"", False, True)


def test_an_error_shows_why_and_not_the_octets() -> None:
    error = WireError(Side.CLIENT, "a line that is too long", b"opensesame")
    assert (error.side, error.why, error.taken) == (Side.CLIENT, "a line that is too long", b"opensesame")
    assert "opensesame" not in f"{error} {error!r}"


def test_a_misfit_is_told_without_being_raised() -> None:
    def parse(command: Command) -> dict[str, object]:
        if command.args != b"1":
            raise BadArguments("a number expected")
        return {"set": "1"}

    assert Command("DELE", b"DELE 1\r\n", b"1", parse=parse).misfit == ""
    assert Command("DELE", b"DELE x\r\n", b"x", parse=parse).misfit == "a number expected"
    assert Command("NOOP", b"NOOP\r\n").misfit == ""
