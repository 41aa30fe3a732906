from __future__ import annotations

from mailproxy.rules.places import Places

TEXT = '''# [[rule]]
[[rule]]
name = "a"
when = """
[[rule]]
name = "not this"
"""
why = "''" # """
[[ rule . example ]]
given.user = "x"
"send" = []
[[rule.example]]
[[rule]]
name = 'b\\'
'''


def test_lines() -> None:
    places = Places(TEXT)
    assert places.line(("rule", 0)) == 2
    assert places.line(("rule", 0, "name")) == 3
    assert places.line(("rule", 0, "when")) == 4
    assert places.line(("rule", 0, "why")) == 8
    assert places.line(("rule", 0, "example", 0)) == 9
    assert places.line(("rule", 0, "example", 0, "given", "user")) == 10
    assert places.line(("rule", 0, "example", 0, "send", 3)) == 11
    assert places.line(("rule", 0, "example", 1, "send")) == 12
    assert places.line(("rule", 1, "name")) == 14


def test_what_is_not_there_has_the_place_of_what_holds_it() -> None:
    places = Places(TEXT)
    assert places.line(("rule", 1, "on", 0)) == 13
    assert places.line(("rule", 7)) == 0
    assert places.line(()) == 0
