"""A capture file that is being written: whole blocks, or as much of the file as has them.

It is locked (flock) as long as it is open: whoever finds it unlocked may finish it.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from mailproxy.capture.blocks import filler
from mailproxy.capture.direct import LEAST, MOST, SECTOR, DirectIO, Write
from mailproxy.capture.synthetic import Payload
from mailproxy.capture.waiting import Blocks

SUFFIX = ".pcapng"

_MOST_BUFFERS = 1024  # of one writev: IOV_MAX of Linux
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_LABEL = 80


class FolderGone(OSError):
    """The file has lost its name: somebody removed it, or its folder."""


class ActiveFile:
    """A new file with ``head`` at its beginning, readable by its owner only.

    ``label`` stands at the end of its name, ``moment`` (seconds since 1970) at the beginning, and
    a ``number`` from which on a free one is taken. ``trouble`` is why the last write stopped.
    ``direct`` is for much at once, if it is given.

    Raises:
        OSError: it cannot be made, or nothing can be written to it.
    """

    def __init__(
        self,
        folder: Path,
        moment: float,
        number: int,
        label: str,
        head: bytes,
        write: Write = os.writev,
        direct: DirectIO | None = None,
    ) -> None:
        self._write = write
        self._direct = direct or DirectIO(works=False)
        self.trouble: OSError | None = None
        self.broken = False  # the end may be no whole block, and could not be cut off
        self.octets = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path, self.number, self.descriptor = _create(folder, moment, number, label)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._append(head):
                raise self.trouble or OSError("nothing was written")
        except BaseException:  # whatever it is, nobody else knows of the file yet
            self.path.unlink(missing_ok=True)
            os.close(self.descriptor)
            raise

    def write(self, blocks: Sequence[Blocks], hurry: bool = False) -> int:
        """How many of the blocks were written: those are whole, and of the next one nothing is there.

        In a ``hurry`` they go into the page cache, which takes them faster than a disk may do.
        """
        done = 0
        self.trouble = None
        while done < len(blocks):
            batch = _batch(blocks, done)
            octets = sum(block.octets for block in batch)
            buffers: list[Payload] = [buffer for block in batch for buffer in block.buffers]
            written = 0
            if not hurry and LEAST <= octets <= MOST - 2 * SECTOR and self._takes_sectors():
                buffers.append(filler(-octets % SECTOR, SECTOR))
                octets += len(buffers[-1])
                written = self._direct.append(self.descriptor, buffers, self._write)
            if self.broken:
                return done
            written += self._all(_rest(buffers, written), octets - written)
            if written < octets:
                return done + self._cut(batch, written)
            self.octets += octets
            done += len(batch)
        return done

    def check(self) -> None:
        """Raises FolderGone when nobody would see what is written now, OSError when that cannot be known."""
        if not os.fstat(self.descriptor).st_nlink:
            raise FolderGone(f"{self.path} was removed while it was written")

    def close(self) -> None:
        """Gives the lock up."""
        os.close(self.descriptor)

    def _append(self, block: bytes) -> bool:
        return self.write([Blocks("", "", (block,), len(block), 0)]) == 1

    def _takes_sectors(self) -> bool:
        """Can whole sectors be written past the cache? They begin where one begins."""
        if not self._direct.works:
            return False
        return not self.octets % SECTOR or self._append(filler(-self.octets % SECTOR, SECTOR))

    def _all(self, buffers: list[Payload], octets: int) -> int:
        """How many of the octets were written; why not all is the ``trouble``."""
        written = 0
        while written < octets:
            try:
                step = self._write(self.descriptor, buffers[:_MOST_BUFFERS])
            except OSError as error:
                self.trouble = error
                break
            written += step
            if written < octets:
                buffers = _rest(buffers, step)
        return written

    def _cut(self, batch: Sequence[Blocks], written: int) -> int:
        """Cuts off the block that was written in part; how many stay."""
        whole = kept = 0
        for block in batch:
            if kept + block.octets > written:
                break
            kept += block.octets
            whole += 1
        self.octets += kept
        try:
            if written > kept:
                os.ftruncate(self.descriptor, self.octets)
        except OSError as error:
            self.trouble, self.broken = error, True
        return whole


def _batch(blocks: Sequence[Blocks], start: int) -> Sequence[Blocks]:
    buffers = octets = 0
    for end in range(start, len(blocks)):
        buffers += len(blocks[end].buffers)
        octets += blocks[end].octets
        if end > start and (buffers > _MOST_BUFFERS or octets > MOST - 2 * SECTOR):
            return blocks[start:end]
    return blocks[start:]


def _rest(buffers: list[Payload], written: int) -> list[Payload]:
    """What of the buffers is still to be written."""
    for index, buffer in enumerate(buffers):
        if written < len(buffer):
            return [memoryview(buffer)[written:], *buffers[index + 1 :]] if written else buffers[index:]
        written -= len(buffer)
    return []


def _create(folder: Path, moment: float, number: int, label: str) -> tuple[Path, int, int]:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
    end = "-" + _UNFIT.sub("_", label)[:_LONGEST_LABEL] if label else ""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        path = folder / f"mailproxy-{stamp}-{number:04d}{end}{SUFFIX}"
        try:
            if not path.with_name(path.name + ".gz").exists():
                return path, number, os.open(path, flags, 0o600)
        except FileExistsError:
            pass  # of another process, which counts for itself
        number += 1
