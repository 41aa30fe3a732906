"""Conversations one behind the other."""

from __future__ import annotations

from mailproxy.capture.transcripts import transcripts
from tests.capture.talks import Talk, overlapping

TEXT = "S: +OK {0}\nC: USER {0}\nS: +OK\nC: PASS x\nS: +OK\nC: QUIT\nS: +OK bye {0}"


def test_conversations_do_not_mix() -> None:
    talks = [Talk("pop3", TEXT.format(name), number=number) for number, name in enumerate("ab", 1)]
    one, other = "".join(transcripts(overlapping(*talks))).strip("\n").split("\n\n")
    for name, number, shown in (("a", 1, one), ("b", 2, other)):
        first, *lines = shown.splitlines()
        assert first.startswith(f"# session {number}: pop3, 192.0.2.1:40000 to 198.51.100.9:110, 2023-11-14T")
        assert first.endswith(f", user {name}")
        assert lines[0] == f"S> +OK {name}"
        assert lines[-1] == f"S> +OK bye {name}"
        assert len(lines) == 7
