"""No connection to anywhere: in a process that plays a server it cannot be made."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mailproxy.player
from tests.test_layers import imported

PACKAGE = Path(mailproxy.player.__file__).parent
MODULES = [*sorted(PACKAGE.glob("*.py")), PACKAGE.parent / "cli/replay_server.py"]
CONNECTS = {"connect", "connect_ex", "create_connection", "open_tcp_stream", "open_ssl_over_tcp_stream"}


def run(code: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the hook cannot be taken out again."""
    whole = (
        f"import trio\nfrom mailproxy.player.offline import forbid_connecting\nforbid_connecting()\n{code}"
    )
    return subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, check=False, cwd=PACKAGE.parents[1]
    )


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("import socket; socket.socket().connect(('127.0.0.1', 9))", "socket.connect"),
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "socket.connect"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "socket.connect"),
        (
            "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
            "socket.sendto",
        ),
        ("trio.run(trio.open_tcp_stream, '127.0.0.1', 9)", "socket.connect"),
        ("import asyncio; asyncio.run(asyncio.open_connection('127.0.0.1', 9))", "socket.connect"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("import os; os.system('true')", "os.system"),
        ("import os; os.fork()", "os.fork"),
    ],
)
def test_whatever_connects_fails(code: str, event: str) -> None:
    done = run(code)
    assert done.returncode == 1
    assert f"{event}: a server that is played from a capture connects to nowhere" in done.stderr


def test_listening_and_accepting_go_on() -> None:
    done = run("import socket; socket.create_server(('127.0.0.1', 0)).close(); trio.run(trio.sleep, 0)")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_module_can_connect(module: Path) -> None:
    source = module.read_text()
    assert not [name for name in imported(source) if name.startswith(("mailproxy.net", "mailproxy.replay"))]
    called = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    assert called & CONNECTS == set()


def test_the_command_forbids_it_before_it_reads_the_file() -> None:
    tree = ast.parse((PACKAGE.parent / "cli/replay_server.py").read_text())
    (command,) = (each for each in tree.body if getattr(each, "name", "") == "server")
    calls = [
        node.func.id
        for node in ast.walk(command)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert calls.count("forbid_connecting") == 1
    statements = [ast.unparse(each) for each in command.body]  # type: ignore[attr-defined]
    assert statements.index("forbid_connecting()") < next(
        at for at, each in enumerate(statements) if each.startswith("with ExitStack")
    )
