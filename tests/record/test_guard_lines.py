"""What guards tell is said whole, and what needs a person says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailproxy.record.guard_lines import GUARDS
from mailproxy.record.lines import Clock
from mailproxy.record.log import Log


@pytest.mark.parametrize("kind", GUARDS, ids=lambda kind: kind.__name__)
def test_every_field_is_said(kind: type, tmp_path: Path) -> None:
    values = {"int": 3, "str": "x"}
    fields = {name: values[field.type] for name, field in kind.__dataclass_fields__.items()}
    log = Log(str(tmp_path / "log"), "info", Clock(lambda: 0.0))
    log.tell(kind(**fields))
    log.close()
    line = json.loads((tmp_path / "log").read_text())
    assert fields.items() <= line.items()
    assert ("hint" in line) is (line["level"] != "info")
