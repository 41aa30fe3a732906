"""Folders that nobody else can exchange, opened one below the other."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderRefused(OSError):
    """This folder is not used; ``strerror`` says why, ``filename`` which it is."""


def open_folder(root: Path, parts: Sequence[str] = (), *, write: bool = False) -> int:
    """A descriptor of ``root``/``parts``…, which the caller closes.

    ``write``: folders that are not there are made, with mode 0700, and would survive a loss of power.

    Raises:
        FolderRefused: one is a symbolic link; or, to ``write``, belongs to another user, or others may
            write to it.
        OSError: it is not there, or cannot be made or opened.
    """
    if write and not root.is_dir():
        root.parent.mkdir(parents=True, exist_ok=True)
        _make(str(root), None)
    folder = _open(str(root), None, root, write)
    path = root
    for part in parts:
        path /= part
        try:
            if write:
                _make(part, folder)
            below = _open(part, folder, path, write)
        finally:
            os.close(folder)
        folder = below
    return folder


@contextmanager
def open_box(maildir: int, name: str) -> Iterator[int]:
    """A descriptor of the folder ``name`` of an open Maildir. Raises OSError."""
    box = os.open(name, _FOLDER, dir_fd=maildir)
    try:
        yield box
    finally:
        os.close(box)


def _make(name: str, parent: int | None) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    if parent is not None:
        os.fsync(parent)
        return
    above = os.open(os.path.dirname(name) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(above)
    finally:
        os.close(above)


def _open(name: str, parent: int | None, path: Path, write: bool) -> int:
    try:
        folder = os.open(name, _FOLDER, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            why = "it is a symbolic link or no folder"
            raise FolderRefused(error.errno, why, str(path)) from error
        raise OSError(error.errno, error.strerror, str(path)) from error
    why = not_ours(os.fstat(folder)) if write else ""
    if why:
        os.close(folder)
        raise FolderRefused(errno.EPERM, why, str(path))
    return folder


def not_ours(status: os.stat_result) -> str:
    """Why others could exchange what is in this folder; empty when they cannot."""
    if status.st_uid != os.geteuid():
        return f"it belongs to another user (number {status.st_uid}, the proxy runs as {os.geteuid()})"
    return "other users may write to it" if status.st_mode & 0o022 else ""
