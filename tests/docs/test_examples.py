"""What README and docs show, works: configurations, rule files, commands, links, the demo's words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mailproxy.cli import app
from mailproxy.config import examine
from mailproxy.rules import load
from mailproxy.rules.load import expand_patterns
from tests.docs.commands import NoSuchCommand, check_call, check_mention, mentioned
from tests.docs.pages import PAGES, ROOT, Block, blocks, spans

TOML = [block for block in blocks() if block.info[:1] == ("toml",)]
KINDS = ("configuration", "rules", "fragment")
SHELL = [block for block in blocks() if block.info[:1] in (("sh",), ("ini",))]


def of_kind(kind: str) -> list[Block]:
    return [block for block in TOML if kind in block.info]


@pytest.mark.parametrize("block", TOML, ids=str)
def test_every_toml_block_says_what_it_is(block: Block) -> None:
    tomllib.loads(block.text)
    assert len(set(KINDS) & set(block.info)) == 1, f"mark it as one of: {', '.join(KINDS)}"


@pytest.mark.parametrize("block", of_kind("configuration"), ids=str)
def test_configurations_load(block: Block, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).touch()
    (tmp_path / "rules").symlink_to(ROOT / "rules")
    file = tmp_path / "mailproxy.toml"
    file.write_text(block.text, encoding="utf-8")
    config, problems = examine(file)
    assert [str(problem) for problem in problems] == []
    assert config is not None
    load(expand_patterns(config.rules.files))


@pytest.mark.parametrize("block", of_kind("rules"), ids=str)
def test_rule_files_load_and_their_examples_come_true(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "shown.toml"
    file.write_text(block.text, encoding="utf-8")
    assert load([file]).rules


def calls() -> list[tuple[str, list[str]]]:
    found = []
    for block in SHELL:
        for line in block.text.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                words = mentioned(part)
                if words is not None:
                    found.append((f"{block} {' '.join(words)}", words))
    return found


def mentions() -> list[tuple[str, list[str]]]:
    found = []
    for page in PAGES:
        for span in spans(page.read_text(encoding="utf-8")):
            words = mentioned(span) if span.startswith("mailproxy ") else None
            if words and "|" not in span:
                shown = [word for word in words if word != "COMMAND"]
                found.append((f"{page.relative_to(ROOT)} {span}", shown))
    return found


@pytest.mark.parametrize("words", [words for _, words in calls()], ids=[name for name, _ in calls()])
def test_commands_would_be_accepted(words: list[str]) -> None:
    check_call(words)


@pytest.mark.parametrize("words", [words for _, words in mentions()], ids=[name for name, _ in mentions()])
def test_commands_that_are_mentioned_exist(words: list[str]) -> None:
    check_mention(words)


def test_commands_are_found_at_all() -> None:
    assert {tuple(words[:2]) for _, words in calls()} >= {("ca", "export"), ("rules", "explain"), ("demo",)}
    assert len(mentions()) > 10


@pytest.mark.parametrize(
    "line",
    [
        "mailproxy serve --config x",
        "mailproxy ca hide --config x",
        "mailproxy run",
        "mailproxy run --config x --fast",
        "mailproxy rules",
    ],
)
def test_a_wrong_command_is_noticed(line: str) -> None:
    words = mentioned(line)
    assert words is not None
    with pytest.raises(NoSuchCommand):
        check_call(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def named_files() -> list[str]:
    """Paths of the source tree that stand in backticks in the pages for contributors."""
    found = []
    for page in (ROOT / "CONTRIBUTING.md", ROOT / "docs" / "design.md", ROOT / "docs" / "rfc.md"):
        for span in spans(page.read_text(encoding="utf-8")):
            if re.fullmatch(r"[\w./-]+/[\w.-]*|[\w/]+\.(py|md|toml)", span):
                found.append(span)
    return found


@pytest.mark.parametrize("name", sorted(set(named_files())))
def test_files_that_are_named_exist(name: str) -> None:
    places = [ROOT, ROOT / "mailproxy", *(path for path in (ROOT / "mailproxy").iterdir() if path.is_dir())]
    assert any((place / name).exists() for place in places)


def test_the_demo_says_what_readme_shows() -> None:
    excerpt = next(block for block in blocks() if block.info == ("text", "demo"))
    outcome = CliRunner().invoke(app, ["demo"])
    assert outcome.exit_code == 0, outcome.output
    said = outcome.output.splitlines()
    shown = [line for line in excerpt.text.splitlines() if line]
    places: list[int] = []
    for line in shown:
        assert line in said[places[-1] + 1 if places else 0 :], line
        places.append(said.index(line, places[-1] + 1 if places else 0))
    assert len(shown) > 10


def test_the_two_commands_of_readme_stand_as_they_must() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    install = "python3 -m venv .venv && .venv/bin/pip install -q "
    assert f"\n{install}. && .venv/bin/mailproxy demo\n" in text
    assert f"\n{install}-e '.[test]' && .venv/bin/python -m pytest\n" in text
    assert Path(ROOT / "LICENSE").exists()
