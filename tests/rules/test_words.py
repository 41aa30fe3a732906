"""The names in a condition: which fields and functions it uses, and where a name has no meaning."""

from __future__ import annotations

import cel
import pytest

from mailproxy.rules.words import FUNCTIONS, METHODS, BadExpression, Names, read_names


def read(source: str) -> Names:
    return read_names(source, cel.compile(source))


@pytest.mark.parametrize(
    ("source", "fields", "functions"),
    [
        ("true", {}, set()),
        ('user == "x" || user == "y"', {"user": 1}, set()),
        ("tls &&\n  size > 1", {"tls": 1, "size": 3}, set()),
        ("client.ip == client.name", {"client.ip": 1, "client.name": 14}, set()),
        ('user.endsWith("x") && size(flags) > 1', {"user": 1, "flags": 28}, {"endsWith", "size"}),
        ('flags.exists(f, f == "x")', {"flags": 1}, {"exists"}),
        ('"tls \\" user" != r"size\\" && tls // user', {"tls": 30}, set()),
        ('user in ["tls", \'size\', """domain"""]', {"user": 1}, set()),
        ("size == 0x1F || size > 1.5e3", {"size": 1}, set()),
        ('{"a": [user]} != {}', {"user": 8}, set()),
    ],
)
def test_names(source: str, fields: dict[str, int], functions: set[str]) -> None:
    names = read(source)
    assert names.fields == fields
    assert names.functions == functions


def test_literals_are_kept_for_checking() -> None:
    names = read('client.ip.inside("10.0.0.0/8") && user.matches(r"^a") && text.matches("b")')
    assert names.networks == ['"10.0.0.0/8"']
    assert names.patterns == ['r"^a"', '"b"']


def test_parts_share_a_variable() -> None:
    assert read("client.ip == client.name && tls").variables == ("client", "tls")


@pytest.mark.parametrize(
    ("source", "cause", "row", "column", "hint"),
    [
        ("usr == 1", 'unknown field "usr"', 1, 1, 'did you mean "user"?'),
        ("tls &&\n usr == 1", 'unknown field "usr"', 2, 2, 'did you mean "user"?'),
        ("client == 1", "client is no value by itself", 1, 1, "client.ip or client.name"),
        ("client.port == 1", "client is no value by itself", 1, 1, "client.ip or client.name"),
        ("user.ip == 1", 'nothing has a part "ip"', 1, 6, "only client has parts"),
        ("sise(user) > 1", 'unknown function "sise"', 1, 1, 'did you mean "size"?'),
        ("user.endWith('x')", 'unknown function "endWith"', 1, 6, 'did you mean "endsWith"?'),
        ("text.matches(user)", "matches() takes one string literal", 1, 6, "must not become a pattern"),
        ("client.ip.inside(user)", "inside() takes one string literal", 1, 11, "a network"),
        ("user.inside('10.0.0.0/8')", "only client.ip can be inside", 1, 6, "client.ip.inside"),
        ("flags.exists(user, true)", '"user" is a field already', 1, 14, "another name"),
        ("flags.exists(client, true)", '"client" is a field already', 1, 14, "another name"),
        ("flags.all(f, flags.all(g, true))", "gone through inside another", 1, 20, "two rules"),
        ("flags.all(f, true) && f == 1", 'unknown field "f"', 1, 23, ""),
    ],
)
def test_names_without_meaning(source: str, cause: str, row: int, column: int, hint: str) -> None:
    with pytest.raises(BadExpression) as caught:
        read(source)
    error = caught.value
    assert cause in str(error)
    assert (error.row, error.column) == (row, column)
    assert hint in error.hint


def test_a_macro_needs_a_name_and_a_question() -> None:
    program = cel.compile("true")
    for source in ("flags.all(1, true)", "flags.all(f)"):
        with pytest.raises(BadExpression, match=r"all\(\) needs a name and a question"):
            read_names(source, program)


def test_what_the_library_reads_otherwise_is_not_understood() -> None:
    with pytest.raises(BadExpression, match="cannot be understood"):
        read_names("tls", cel.compile('user == "x"'))
    with pytest.raises(BadExpression, match="cannot be understood"):
        read_names("user == 1", cel.compile("size(user) == 1"))


def test_brackets_that_do_not_fit_are_left_to_the_library() -> None:
    assert read_names("tls)", cel.compile("tls")).fields == {"tls": 1}


def test_no_name_is_a_function_and_a_macro_without_a_sample() -> None:
    assert all(FUNCTIONS.values())
    assert all(METHODS.values())
