"""Rule files as they are named on a command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailproxy.rules.errors import RuleError, did_you_mean
from mailproxy.rules.shipped import shipped


def rule_files(names: Iterable[str]) -> list[Path]:
    """The files, each once: a name is that of a file, of a folder of them, or of a shipped one.

    Raises:
        RuleError: there is no such file, or none in the folder.
    """
    found: dict[Path, Path] = {}
    for name in names:
        found.update({path.resolve(): path for path in _named(name)})
    return list(found.values())


def _named(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        inside = sorted(path.glob("*.toml"))
        if not inside:
            raise RuleError(path, 0, "there is no rule file (*.toml) in this folder", "name another one")
        return inside
    if path.exists():
        return [path]
    ours = {each.stem: each for each in shipped()}
    stem = name.removesuffix(".toml")
    if stem not in ours:
        raise RuleError(
            name, 0, "no such rule file, and none that ships has this name", did_you_mean(stem, ours)
        )
    return [ours[stem]]
