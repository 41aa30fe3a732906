"""The rule files that come with mailproxy."""

from __future__ import annotations

from pathlib import Path


def shipped() -> list[Path]:
    """The shipped rule files in name order: those of the installed package, else those of a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "shipped_rules", package.parent / "rules"):
        found = sorted(folder.glob("*.toml"))
        if found:
            return found
    return []
