"""What becomes of capture files when they are finished: made small, and removed in time.

A file is finished when nobody holds its lock. Those that a crash left are cut to their last
whole block first. Nothing here raises OSError for one file's sake: the others are done still.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailproxy.capture.whole_blocks import end_of_whole_blocks

GZIP = ".gz"
PART = ".gz.part"  # of a name that is not there yet
_OURS = re.compile(r"mailproxy-[0-9]{8}T[0-9]{6}Z-[0-9]{4,}(?:-[A-Za-z0-9_-]+)?\.pcapng(\.gz|\.gz\.part)?")
_LEVEL = 1  # 6 takes nearly twice as long, and saves 7 %
_PIECE = 1024 * 1024
_NEWBORN = 60.0  # seconds in which an empty file may belong to somebody who has not locked it yet
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    octets: int
    modified: float


class Finished:
    """The files in one folder. ``total_octets`` and ``keep_days`` are what may stay there."""

    def __init__(
        self,
        folder: Path,
        total_octets: int,
        keep_days: float,
        compress: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._total = total_octets
        self._seconds = keep_days * _DAY
        self._compress = compress
        self._now = now

    def recover(self) -> None:
        """Finishes what a crash left."""
        for found in self._files():
            with _locked(found.path) as descriptor:
                if descriptor is None:
                    continue
                if found.path.name.endswith(PART):
                    _remove(found.path)
                elif not found.path.name.endswith(GZIP):
                    self._mend(found, descriptor)

    def finish(self, path: Path, descriptor: int, broken: bool = False) -> None:
        """Makes a file final. The caller holds its lock with ``descriptor``, and closes that."""
        try:
            if broken:
                _cut(descriptor)
            if self._compress:
                _compress(path, descriptor)
        except OSError:
            _remove(path.with_name(path.name + PART))  # it stays as it is; the next start tries again

    def expire(self) -> int:
        """Removes the files that are too old, and of the others the oldest, until the rest is small enough.

        Returns how many octets are still too many: those of files that are being written.
        """
        files = sorted(self._files(), key=lambda found: found.path.name)
        oldest = self._now() - self._seconds
        over = sum(found.octets for found in files) - self._total
        for found in files:
            newborn = not found.octets  # perhaps not locked yet, and nothing is won by it
            if not newborn and (over > 0 or found.modified < oldest) and self._removed(found.path):
                over -= found.octets
        return max(over, 0)

    def _mend(self, found: _Found, descriptor: int) -> None:
        try:
            if not found.octets and self._now() - found.modified < _NEWBORN:
                return
            if _cut(descriptor):
                self.finish(found.path, descriptor)
            else:
                _remove(found.path)
        except OSError:
            return  # it cannot be read: somebody else's trouble, and no reason not to start

    def _removed(self, path: Path) -> bool:
        with _locked(path) as descriptor:
            return descriptor is not None and _remove(path)

    def _files(self) -> list[_Found]:
        found = []
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        stat = entry.stat(follow_symlinks=False)
                        found.append(_Found(self._folder / entry.name, stat.st_size, stat.st_mtime))
        except OSError:
            return found  # there is no folder yet, or a file went away just now
        return found


@contextmanager
def _locked(path: Path) -> Iterator[int | None]:
    """A descriptor of a file that nobody writes; None when somebody does, or it cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def _cut(descriptor: int) -> int:
    """Cuts off what is no whole block; the octets that stay."""
    end = end_of_whole_blocks(descriptor)
    if end and end < os.fstat(descriptor).st_size:
        os.ftruncate(descriptor, end)
    return end


def _compress(path: Path, descriptor: int) -> None:
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(part, flags, 0o600), "wb") as target, open(descriptor, "rb", closefd=False) as source:
        fcntl.flock(target, fcntl.LOCK_EX)  # or another process that starts would take it for a crash's
        source.seek(0)
        with gzip.GzipFile(path.name, "wb", _LEVEL, target) as small:
            shutil.copyfileobj(source, small, _PIECE)
    modified = os.fstat(descriptor).st_mtime_ns
    os.utime(part, ns=(modified, modified))
    part.rename(path.with_name(path.name + GZIP))
    path.unlink()


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
