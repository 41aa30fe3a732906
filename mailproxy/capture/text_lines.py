"""Octets as lines for people, however they arrive and however long their lines are."""

from __future__ import annotations

LONGEST = 4096  # octets of a line; a longer one comes in pieces


class TextLines:
    """Cuts octets into lines, and forgets them."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now, without their ends."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = [piece for line in lines for piece in _pieces(line.removesuffix(b"\r"))]
        whole = len(self._rest) - len(self._rest) % LONGEST
        if whole:
            found += _pieces(self._rest[:whole])
            self._rest = self._rest[whole:]
        return [text_of(piece) for piece in found]

    def finish(self) -> list[str]:
        """What has no line end."""
        rest, self._rest = self._rest.removesuffix(b"\r"), b""
        return [text_of(rest)] if rest else []


def text_of(data: bytes) -> str:
    r"""As UTF-8; other octets as ``\xff``. Controls are still in it."""
    return data.decode("utf-8", "backslashreplace")


def lines_of(data: bytes) -> list[str]:
    """The lines of some octets that are complete, each of them whole."""
    if data.find(b"\n") == len(data) - 1:  # one line, as nearly always; or nothing
        return [text_of(data[:-1].removesuffix(b"\r"))] if data else []
    lines = data.removesuffix(b"\n").split(b"\n")
    return [text_of(line.removesuffix(b"\r")) for line in lines]


def _pieces(line: bytes) -> list[bytes]:
    return [line[start : start + LONGEST] for start in range(0, len(line), LONGEST)] or [b""]
