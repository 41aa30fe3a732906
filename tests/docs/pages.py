"""What the documentation holds: its pages, fenced blocks, sections and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "captures/README.md")),
        *ROOT.glob("docs/**/*.md"),
    ]
)

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_HEADING = re.compile(r"^#+ +(.*?) *$")


@dataclass(frozen=True)
class Block:
    """A fenced block. ``info`` are the words behind the fence; ``line`` counts from 1."""

    page: Path
    line: int
    info: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks() -> list[Block]:
    """All fenced blocks of all pages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, tuple(match[1].split()), match[2]))
    return found


def spans(text: str) -> list[str]:
    """What stands between single backticks, outside of fenced blocks."""
    return _SPAN.findall(_FENCE.sub("", text))


def sections(page: Path) -> dict[str, str]:
    """The text under each heading, up to the next one of any level. Backticks in headings are left out."""
    found: dict[str, str] = {}
    heading, fenced = "", False
    for line in page.read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        match = None if fenced else _HEADING.match(line)
        if match:
            heading = match[1].replace("`", "")
            assert heading not in found, f"{page}: two headings {heading!r}"
            found[heading] = ""
        elif heading:
            found[heading] += line + "\n"
    return found


def rows(section: str) -> list[list[str]]:
    """The cells of all rows of the tables in a section, without heads and rules."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    rules = {index for index, row in enumerate(cells) if all(re.fullmatch(r":?-+:?", cell) for cell in row)}
    return [row for index, row in enumerate(cells) if index not in rules and index + 1 not in rules]
