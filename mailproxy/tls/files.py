"""Files that hold keys: nobody else may read them, from their first octet on.

Everything is done relative to an open folder, so that what was checked is what is used
even if somebody moves folders about meanwhile.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailproxy.tls.errors import TlsError

PRIVATE = 0o600
PUBLIC = 0o644
LARGEST = 1 << 20  # octets; a longer file is no certificate and no key


@contextmanager
def private_folder(path: Path) -> Iterator[int]:
    """The folder as a descriptor, made with mode 0700 when it does not exist.

    Raises TlsError when it cannot be made or opened, when it belongs to another user,
    or when another user may write to it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise unusable(path, error, "make this folder readable and writable for the proxy's user") from error
    try:
        status = os.fstat(folder)
        _check_owner(path, status)
        if status.st_mode & 0o022:
            raise TlsError(path, "other users may write to this folder of keys", f"run: chmod 700 '{path}'")
        yield folder
    finally:
        os.close(folder)


def make_once(folder: int, path: Path, data: bytes, mode: int) -> bool:
    """Make the file ``path.name`` in ``folder`` with all its octets, or leave the one that is there.

    Returns whether this call made it. The file is complete or absent whenever the machine
    stops; of several processes exactly one makes it. Raises TlsError.
    """
    temporary = f".{path.name}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, mode, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)  # a strict umask would hide the public certificate
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, never replaces the file of a process that was quicker.
            os.link(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary, dir_fd=folder)
        os.fsync(folder)
    except OSError as error:
        raise unusable(path, error, "make its folder writable for the proxy's user") from error
    return True


def read_beside(folder: int, path: Path, *, private: bool) -> bytes | None:
    """The octets of the file ``path.name`` in ``folder``, None when there is none.

    Raises TlsError when it is a symbolic link or no ordinary file, and, if it is to be
    ``private``, when it belongs to another user or others have any right to it.
    """
    try:
        descriptor = os.open(
            path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _linked(path) from error
        raise unusable(path, error, "make it readable for the proxy's user") from error
    try:
        status = os.fstat(descriptor)
        if private:
            check_private(path, status)
        else:
            _check_ordinary(path, status)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST)
    finally:
        os.close(descriptor)


def append_private(path: Path) -> None:
    """Make sure that ``path`` is a file only this user can read, made empty if it is absent.

    Raises TlsError when it is a symbolic link, another user's, or open to others.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, PRIVATE)
        except FileExistsError:
            if path.is_symlink():
                raise _linked(path) from None
            descriptor = os.open(path, flags)
    except OSError as error:
        raise unusable(path, error, "name a file in a folder that the proxy's user may write to") from error
    try:
        check_private(path, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def check_private(path: Path, status: os.stat_result) -> None:
    """Raise TlsError unless this is an ordinary file of ours that nobody else has rights to."""
    _check_ordinary(path, status)
    _check_owner(path, status)
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise TlsError(
            path,
            f"other users may use this file of secrets (its mode is {mode:04o})",
            f"run: chmod 600 '{path}', and replace the secret if somebody else may have read it",
        )


def unusable(path: Path, error: OSError, next_step: str) -> TlsError:
    """The TlsError that says what the system answered."""
    return TlsError(path, (error.strerror or type(error).__name__).lower(), next_step)


def _check_ordinary(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise TlsError(path, "this is no ordinary file", "move it away and start again")


def _check_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise TlsError(
            path,
            f"it belongs to another user (number {status.st_uid}, the proxy runs as {os.geteuid()})",
            f"run the proxy as its owner, or: chown {os.geteuid()} '{path}'",
        )


def _linked(path: Path) -> TlsError:
    return TlsError(path, "this is a symbolic link", "put the file itself there, or remove the link")
