"""The messages of a capture as one mbox."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import IO

from mailproxy.capture.eml_files import Found, Written
from mailproxy.capture.mbox import Quoted, from_line
from mailproxy.capture.messages import Finished, Message, Piece, Started

_IN_MEMORY = 262_144  # octets of a message that is under way


def write_mbox(found: Iterable[Found], write: Callable[[bytes], object]) -> Iterator[Written]:
    """Writes each message that is whole; of the others ``file`` is empty: an mbox cannot say what is missing.

    Messages under way are kept in temporary files, so that they do not mix.

    Raises:
        OSError: of ``write``, or there is no room for temporary files.
    """
    with ExitStack() as stack:
        open_: dict[Message, tuple[IO[bytes], Quoted]] = {}
        stack.callback(_close, open_)
        for one in found:
            message = one.event.message
            if isinstance(one.event, Started):
                open_[message] = _spooled(), Quoted()
            elif isinstance(one.event, Piece):
                file, quoted = open_[message]
                file.write(quoted.feed(one.event.data))
            elif isinstance(one.event, Finished):
                file, quoted = open_.pop(message)
                with file:
                    file.write(quoted.finish())
                    if message.whole:
                        write(from_line(message.sender, message.time))
                        file.seek(0)
                        shutil.copyfileobj(file, _Sink(write))
                yield Written(one.conversation, message, "mbox" if message.whole else "")


class _Sink:
    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.write = write


def _spooled() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="mailproxy-")


def _close(open_: dict[Message, tuple[IO[bytes], Quoted]]) -> None:
    for file, _ in open_.values():
        file.close()
