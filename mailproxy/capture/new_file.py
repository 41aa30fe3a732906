"""A file that is there whole or not at all, and never instead of another one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType


class NewFile:
    """A context manager. Octets go into a hidden file beside ``target``, which gets its name at the end.

    The file is readable by its owner only. It is open while it is written to alone, so that any
    number of them may be under way. Without :meth:`keep` nothing stays.

    Raises:
        OSError: from every method; :class:`FileExistsError` when ``target`` is there already.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        if os.path.lexists(target):
            raise FileExistsError(17, "it is there already", str(target))
        try:
            handle, self._hidden = tempfile.mkstemp(prefix=".mailproxy-", dir=target.parent)
        except OSError as error:  # it names the hidden file, of which nobody has heard
            raise type(error)(error.errno, error.strerror, str(target)) from error
        os.close(handle)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def write(self, data: bytes) -> None:
        """Further octets."""
        with open(self._hidden, "ab") as file:
            file.write(data)

    def keep(self, target: Path | None = None) -> Path:
        """Gives the file its name, or another one in the same folder."""
        target = target or self.target
        os.link(self._hidden, target)
        self.discard()
        return target

    def discard(self) -> None:
        """Removes what has no name yet."""
        Path(self._hidden).unlink(missing_ok=True)
