"""mailproxy version."""

from __future__ import annotations

import json

import mailproxy
from mailproxy.cli.version import version


def test_one_line(capsys):
    version()
    assert capsys.readouterr().out == f"mailproxy {mailproxy.__version__}\n"


def test_json_names_what_it_is_built_on(capsys):
    version(as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["mailproxy"] == mailproxy.__version__
    assert {"python", "openssl", "trio", "cryptography", "msgspec"} <= said.keys()
    assert "missing" not in said.values()
