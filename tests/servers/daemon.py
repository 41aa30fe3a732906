"""One server process in the foreground, ended by its process id."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ports import answers
from tests.waiting import until

STOP_SECONDS = 20


@contextmanager
def server_folder(name: str) -> Iterator[Path]:
    """A temporary folder which the servers' own users may enter, with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix=f"mailproxy-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str | Path],
    ports: Sequence[int],
    log: Path,
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once it answers on all ``ports``; SIGTERM (in the end SIGKILL) at the end.

    Raises AssertionError with the end of ``log``, which also takes the process's
    own output, when it stops early or does not listen in time.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            cwd="/",
            start_new_session=True,
        )
    try:
        _wait_for_ports(process, ports, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_ports(process: subprocess.Popen[bytes], ports: Sequence[int], log: Path) -> None:
    def listens() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"{process.args!r} ended with {process.returncode}:\n{last_lines(log)}")
        return all(answers(port) for port in ports)

    try:
        until(listens, f"answer on the ports {list(ports)}")
    except AssertionError as failure:
        raise AssertionError(f"{failure}\n{last_lines(log)}") from None


def last_lines(log: Path, count: int = 25) -> str:
    """The end of a log, for the text of a failure."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
