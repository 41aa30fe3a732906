"""Rule files as they are named on a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.cli.rule_files import rule_files
from mailproxy.rules.errors import RuleError
from mailproxy.rules.shipped import shipped


def test_files_folders_and_names_that_ship(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml", "notes.txt"):
        (tmp_path / name).touch()
    other = tmp_path / "other.toml"
    other.touch()
    names = [path.name for path in rule_files([str(tmp_path), str(other), "pop3-keep", "archive.toml"])]
    assert names == ["a.toml", "b.toml", "other.toml", "pop3-keep.toml", "archive.toml"]


def test_each_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").touch()
    assert rule_files([str(tmp_path), str(tmp_path / "a.toml")]) == [tmp_path / "a.toml"]
    assert rule_files(["pop3-keep", "pop3-keep"]) == [path for path in shipped() if path.stem == "pop3-keep"]


@pytest.mark.parametrize(
    ("name", "said"), [("pop3-kep", 'did you mean "pop3-keep"'), ("{folder}", r"no rule file \(\*.toml\)")]
)
def test_what_is_not_there(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        rule_files([name.format(folder=tmp_path)])
