"""No connection to anywhere: what a process that plays a server must not be able to do.

A hook of the interpreter (PEP 578) sees each call before the system does, whoever makes it, and
cannot be taken out again.
"""

from __future__ import annotations

import sys

# Beside connect and datagrams: another program would not be bound by the hook.
FORBIDDEN = frozenset(
    {
        "socket.connect",
        "socket.sendto",
        "socket.sendmsg",
        "subprocess.Popen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
    }
)


class Forbidden(RuntimeError):
    """Something has tried to connect, or to start another program."""


def forbid_connecting() -> None:
    """From here on this process opens no connection and starts no program. There is no way back."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: object) -> None:
    if event in FORBIDDEN:
        raise Forbidden(f"{event}: a server that is played from a capture connects to nowhere")
