"""Every file of tests/transcripts comes out the same however it is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.proto.tokens import Command
from mailproxy.rules import load
from mailproxy.session.verdict import NO_RULES, Action, Decision, Facts, Judge
from tests.dialogue import Transcript, TranscriptError, octets, parse
from tests.play import TRANSCRIPTS, Cut, byte_by_byte, check_what_the_server_read, play, random_cuts, whole

RULES = Path(__file__).parents[1] / "rules"
FILES = sorted(TRANSCRIPTS.glob("*/*.txt"))
CUTS = {
    "whole": whole,
    "byte by byte": byte_by_byte,
    **{f"seed {seed}": random_cuts(seed) for seed in range(3)},
}


def blocking(verbs: list[str]) -> Judge:
    """Rules that refuse these verbs and know no other."""

    def decide(command: Command, facts: Facts) -> Decision | None:
        return Decision(Action.BLOCK, "transcript") if command.verb in verbs else None

    return Judge(frozenset(verbs), decide)


def judge_of(transcript: Transcript) -> Judge:
    if "block" in transcript.options:
        return blocking(transcript.options["block"])
    if "rules" in transcript.options:
        files = [RULES / f"{name}.toml" for name in transcript.options["rules"]]
        return load(files, examples=None).judge(transcript.protocol)
    return NO_RULES


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_both_peers_get_what_the_transcript_says(path: Path, cut: Cut) -> None:
    transcript = parse(path)
    wires = play(transcript, judge_of(transcript), cut)
    if "observe" not in transcript.options:
        check_what_the_server_read(wires)


def test_there_are_transcripts_of_every_protocol() -> None:
    assert {path.parent.name for path in FILES} == {"pop3", "imap", "smtp"}


def test_text_stands_for_octets() -> None:
    assert octets(r"a\r\n\t\0\x7f\\Seen") == b"a\r\n\t\0\x7f\\Seen\r\n"
    assert octets(r"\(3*ab)\-") == b"ababab"
    assert octets("ü") == b"\xc3\xbc\r\n"
    with pytest.raises(ValueError, match="not known"):
        octets(r"\Seen")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("S> +OK\n>C +OK more\n", "the client got"),
        ("S> +OK\n", "nothing is expected"),
        ("S> +OK\nC> NOOP\n>C +OK\n", "the server got"),
        ("S> +OK\n>C +OK\nC> NOOP\n>S NOOP\n>S NOOP\n", "the server got"),
        ("S> +OK\n\n>C +OK\n", "the client got"),
        ("S> +OK\n>C +OK\n! closed\n", "closed is False"),
        ("S> +OK\n>C +OK\n! tls\n", "upgrade is False"),
        ("S> +OK\n>C +…\n>C …\n", "the client got"),
        ("! glowing\n", "an option is one of"),
        ("S> +OK\n>C +OK\n! later\n", "not a valid Act"),
        ("X> +OK\n", "a line begins with"),
    ],
)
def test_a_wrong_transcript_fails(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((AssertionError, TranscriptError), match=complaint):
        play(parse(path, "pop3"))
