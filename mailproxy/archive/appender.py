"""Puts a message back into a mailbox: just enough IMAP for APPEND (RFC 9051 §6.3.12).

The library's client mends line ends in messages; here the octets go as they are in the archive.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import BinaryIO

from mailproxy.archive.dates import date_time

SECONDS = 60.0  # for each read and write
_LINE_OCTETS = 65_536
_PIECE = 65_536
_FLAG = re.compile(r"\\?[^\x00-\x20\x7f-\U0010ffff(){%*\"\\\]]+")
_DATA = re.compile(rb"\* (?!(?:OK|NO|BAD|BYE|PREAUTH)\b)", re.IGNORECASE)  # status lines are free text
_LITERAL = re.compile(rb"\{([0-9]{1,9})\}\r?\n\Z")


class AppendFailed(Exception):
    """The server did not do it. The text holds no password."""


class Appender:
    """A connection to an IMAP server, for one user.

    Raises:
        AppendFailed: the server refuses, or cannot be understood.
        OSError: it cannot be reached, or TLS cannot be made (ssl.SSLError).
    """

    def __init__(self, host: str, port: int, tls: str, context: ssl.SSLContext | None) -> None:
        """``tls`` is ``implicit``, ``starttls`` or ``none``; ``context`` is for the first two."""
        self._tag = 0
        self._input = bytearray()
        self._told: frozenset[str] = frozenset()
        self._socket = socket.create_connection((host, port), SECONDS)
        try:
            if tls == "implicit":
                self._encrypt(context, host)
            if not self._line().upper().startswith(b"* OK"):
                raise AppendFailed("the server greets with something else than OK; is this its IMAP port?")
            if tls == "starttls":
                self._say(b"STARTTLS", "STARTTLS")
                if self._input:
                    raise AppendFailed(
                        "the server sent octets behind its answer to STARTTLS: they are not its own"
                    )
                self._encrypt(context, host)
        except BaseException:  # whatever it is, nobody else knows of the socket yet
            self._socket.close()
            raise

    def __enter__(self) -> Appender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._say(b"LOGOUT", "LOGOUT")
        except (OSError, AppendFailed):
            pass  # what was to be done is done
        finally:
            self._socket.close()

    def login(self, user: str, password: str) -> None:
        """With AUTHENTICATE PLAIN (RFC 4616) where the server has it, else with LOGIN."""
        self._say(b"CAPABILITY", "CAPABILITY")
        if "AUTH=PLAIN" in self._told:
            secret = base64.b64encode("\0".join(("", user, password)).encode("utf-8", "surrogateescape"))
            self._say(b"AUTHENTICATE PLAIN", "the login", secret)
            return
        if "LOGINDISABLED" in self._told:
            raise AppendFailed("the server takes no password here (LOGINDISABLED)")
        words = [word.encode("utf-8", "surrogateescape") for word in (user, password)]
        self._say(b"LOGIN {%d}" % len(words[0]), "the login", words[0] + b" {%d}" % len(words[1]), words[1])

    def append(
        self, mailbox: str, flags: Sequence[str], internaldate: str, message: BinaryIO, octets: int
    ) -> None:
        """The message goes into the mailbox as it is. A flag or date against the grammar is left out."""
        name = re.sub(r'(["\\])', r"\\\1", modified_utf7(mailbox))
        kept = " ".join(flag for flag in flags if _FLAG.fullmatch(flag))
        line = f'APPEND "{name}" ({kept})'.encode()
        if (received := date_time(internaldate)) is not None:
            line += f' "{received}"'.encode()
        tag = self._send_line(line + b" {%d}" % octets)
        self._continue(tag, "APPEND")
        left = octets
        while left and (piece := message.read(min(left, _PIECE))):
            self._socket.sendall(piece)
            left -= len(piece)
        if left:
            raise AppendFailed("the file became shorter while it was read; nothing was stored")
        self._socket.sendall(b"\r\n")
        self._finish(tag, "APPEND")

    def _encrypt(self, context: ssl.SSLContext | None, host: str) -> None:
        assert context is not None, "TLS needs a context"
        self._socket = context.wrap_socket(self._socket, server_hostname=host)

    def _say(self, line: bytes, what: str, *more: bytes) -> None:
        tag = self._send_line(line)
        for answer in more:
            self._continue(tag, what)
            self._socket.sendall(answer + b"\r\n")
        self._finish(tag, what)

    def _send_line(self, line: bytes) -> bytes:
        self._tag += 1
        tag = b"R%d" % self._tag
        self._socket.sendall(tag + b" " + line + b"\r\n")
        return tag

    def _continue(self, tag: bytes, what: str) -> None:
        while not (line := self._response()).startswith(b"+"):
            if line.startswith(tag + b" "):
                raise _refused(line, what)

    def _finish(self, tag: bytes, what: str) -> None:
        while not (line := self._response()).startswith(tag + b" "):
            if line.startswith(b"+"):
                raise AppendFailed(f"the server asks for more than there is of {what}")
        if not line[len(tag) + 1 :].upper().startswith(b"OK"):
            raise _refused(line, what)

    def _response(self) -> bytes:
        """The first line of a response; literals in it, and what follows them, are passed over."""
        first = line = self._line()
        while _DATA.match(first) and (literal := _LITERAL.search(line)):
            self._skip(int(literal[1]))
            line = self._line()
        if first[:13].upper() == b"* CAPABILITY ":
            self._told = frozenset(first.decode("ascii", "replace").upper().split()[2:])
        return first

    def _line(self) -> bytes:
        while (end := self._input.find(b"\n") + 1) == 0:
            if len(self._input) > _LINE_OCTETS:
                raise AppendFailed("the server sent a line that is too long")
            self._read()
        line = bytes(self._input[:end])
        del self._input[:end]
        return line

    def _skip(self, octets: int) -> None:
        while octets:
            if not self._input:
                self._read()
            piece = min(octets, len(self._input))
            del self._input[:piece]
            octets -= piece

    def _read(self) -> None:
        data = self._socket.recv(_PIECE)
        if not data:
            raise AppendFailed("the server closed the connection")
        self._input += data


def _refused(line: bytes, what: str) -> AppendFailed:
    said = line.partition(b" ")[2].decode("utf-8", "backslashreplace").strip()[:200]
    hint = "; make the mailbox first, or name another with --mailbox" if "[TRYCREATE]" in said.upper() else ""
    return AppendFailed(f"the server refused {what}: {said}{hint}")


def modified_utf7(mailbox: str) -> str:
    """The name as it travels (RFC 3501 §5.1.3). Line ends and other controls are encoded, too."""
    return re.sub("&|[^\x20-\x7e]+", lambda match: _shifted(match[0]), mailbox)


def _shifted(text: str) -> str:
    if text == "&":
        return "&-"
    encoded = base64.b64encode(text.encode("utf-16-be", "surrogatepass")).decode("ascii")
    return "&" + encoded.rstrip("=").replace("/", ",") + "-"
