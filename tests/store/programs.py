"""What other processes do to a store while a test looks on: ``python -m tests.store.programs WHAT URL``.

Each says ``ready`` when it is about to begin, and begins when it gets a line.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from mailproxy.guards.memory import Limit, Mark, MemoryFailed, ViewKey
from mailproxy.store.address import open_database
from mailproxy.store.migrations import migrate
from mailproxy.store.store import Store
from mailproxy.store.versions import STEPS, run

ROOT = Path(__file__).parents[2]

VIEW = ViewKey("main", "aiko")
ROUNDS = 25
TOGETHER = 10
"""So many marks are in one transaction of :func:`endless`."""


@contextmanager
def started(what: str, url: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own, ready to begin; it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.store.programs", what, url, *more],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def together(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Lets them begin at once, and gives what each had printed when all have ended well."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


def begin() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def opening(url: str) -> None:
    """Opens an empty store."""
    begin()
    Store(url).close()


def migrating(url: str) -> None:
    """Brings a store to a version whose last step cannot be done twice."""
    database = open_database(url)
    begin()
    migrate(
        database, [*STEPS, lambda connection: run(connection, "CREATE TABLE mailproxy_once (id {whole})")]
    )
    database.close()


def sharing(url: str, name: str) -> None:
    """Writes what another process writes too, and prints how often it was the one that may tell."""
    store = Store(url)
    begin()
    told = 0
    for number in range(ROUNDS):
        marks = [Mark(b"%d-%s" % (number, name.encode()), 1), Mark(b"%d-both" % number, 1)]
        store.kept.keep(VIEW, marks, "keep-pop", float(number))
        store.usage.used("main", "aiko", "pop3", "192.0.2.7", 1, float(number))
        store.brakes.deleted("main", "aiko", 1, 1000.0 + number)
        told += store.usage.told("main", "aiko", f"kind-{number}", 1000.0, 60.0)
    store.close()
    print(told)


def admitting(url: str, most: str, each: str, times: str) -> None:
    """Asks so many times for deletions under a limit, and prints how often they were granted."""
    store = Store(url)
    limit = Limit("brake", int(most), 0.0, str)
    begin()
    said = [store.brakes.admit("main", "aiko", int(each), limit, 1000.0) for _ in range(int(times))]
    store.close()
    print(sum(admission.granted for admission in said))


def endless(url: str) -> None:
    """Keeps messages for ever, and prints the number of each transaction that is done."""
    store = Store(url)
    begin()
    for number in count():
        keep_together(store, number)
        print(number, flush=True)


def full_disk(url: str, octets: str) -> None:
    """As :func:`endless`, but no file may grow beyond so many octets; ends at the first failure."""
    store = Store(url)
    begin()
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(octets), int(octets)))
    try:
        for number in count():
            keep_together(store, number)
            print(number, flush=True)
    except MemoryFailed as failure:
        print(failure)


def keep_together(store: Store, number: int) -> None:
    marks = [Mark(b"%d %d" % (number, part), 1) for part in range(TOGETHER)]
    store.kept.keep(VIEW, marks, "keep-pop", float(number))


PROGRAMS: dict[str, Callable[..., None]] = {
    "opening": opening,
    "migrating": migrating,
    "sharing": sharing,
    "admitting": admitting,
    "endless": endless,
    "full-disk": full_disk,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
