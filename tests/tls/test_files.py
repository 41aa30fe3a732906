"""Files of keys: private from their first octet, and never somebody else's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailproxy.tls import files
from mailproxy.tls.errors import TlsError
from mailproxy.tls.files import (
    LARGEST,
    PRIVATE,
    PUBLIC,
    append_private,
    check_private,
    make_once,
    private_folder,
    read_beside,
    unusable,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tls"


@pytest.fixture
def folder(home: Path) -> Iterator[int]:
    with private_folder(home) as descriptor:
        yield descriptor


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def refuses(action: Callable[[], object], cause: str) -> TlsError:
    """Does the action, and gives the error that it must raise."""
    with pytest.raises(TlsError, match=cause) as caught:
        action()
    return caught.value


def enter(path: Path) -> None:
    with private_folder(path):
        pass


# -- the folder ---------------------------------------------------------------------------


def test_a_folder_is_made_for_its_user_alone(home: Path) -> None:
    with private_folder(home) as descriptor:
        assert stat.S_ISDIR(os.fstat(descriptor).st_mode)
    assert mode(home) == 0o700
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize("bits", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_to(home: Path, bits: int) -> None:
    home.mkdir(parents=True)
    home.chmod(bits)
    assert f"chmod 700 '{home}'" in refuses(lambda: enter(home), "other users may write").next_step


def test_a_folder_that_others_may_read_holds_private_files_all_the_same(home: Path) -> None:
    home.mkdir(parents=True)
    home.chmod(0o755)
    enter(home)


def test_a_file_in_place_of_the_folder(home: Path) -> None:
    home.parent.mkdir()
    home.touch()
    error = refuses(lambda: enter(home), "file exists")
    assert error.file == home


def test_a_folder_of_another_user(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(home)
    other = os.geteuid() + 1
    monkeypatch.setattr(files.os, "geteuid", lambda: other)
    assert f"chown {other}" in refuses(lambda: enter(home), "belongs to another user").next_step


# -- making a file --------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [PRIVATE, PUBLIC])
def test_a_file_is_made_once(home: Path, folder: int, bits: int) -> None:
    assert make_once(folder, home / "a", b"first", bits)
    assert not make_once(folder, home / "a", b"second", bits)
    assert (home / "a").read_bytes() == b"first"
    assert mode(home / "a") == bits
    assert [path.name for path in home.iterdir()] == ["a"], "nothing temporary is left"


def test_a_file_has_its_mode_whatever_the_umask(home: Path, folder: int) -> None:
    before = os.umask(0o777)
    try:
        make_once(folder, home / "a", b"x", PUBLIC)
    finally:
        os.umask(before)
    assert mode(home / "a") == PUBLIC


def test_a_link_is_not_written_through(home: Path, folder: int, tmp_path: Path) -> None:
    (home / "a").symlink_to(tmp_path / "elsewhere")
    assert not make_once(folder, home / "a", b"x", PRIVATE)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_cannot_be_made_leaves_nothing(
    home: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    refuses(lambda: make_once(folder, home / "a", b"x", PRIVATE), "no space left on device")
    assert list(home.iterdir()) == []


# -- reading a file --------------------------------------------------------------------------


@pytest.mark.parametrize("private", [True, False])
def test_a_file_is_read(home: Path, folder: int, private: bool) -> None:
    make_once(folder, home / "a", b"octets", PRIVATE)
    assert read_beside(folder, home / "a", private=private) == b"octets"
    assert read_beside(folder, home / "none", private=private) is None


def test_only_so_much_is_read(home: Path, folder: int) -> None:
    make_once(folder, home / "a", b"x" * (LARGEST + 5), PRIVATE)
    assert len(read_beside(folder, home / "a", private=True) or b"") == LARGEST


@pytest.mark.parametrize("private", [True, False])
def test_only_an_ordinary_file_is_read(home: Path, folder: int, private: bool) -> None:
    (home / "link").symlink_to(home / "a")
    os.mkfifo(home / "pipe", 0o600)
    (home / "folder").mkdir()
    for name, cause in (("link", "symbolic link"), ("pipe", "no ordinary file"), ("folder", "no ordinary")):
        refuses(lambda name=name: read_beside(folder, home / name, private=private), cause)


def test_a_secret_that_others_may_read(home: Path, folder: int) -> None:
    make_once(folder, home / "a", b"octets", PUBLIC)
    assert read_beside(folder, home / "a", private=False) == b"octets"
    error = refuses(lambda: read_beside(folder, home / "a", private=True), r"its mode is 0644")
    assert f"chmod 600 '{home / 'a'}'" in error.next_step


def test_a_file_that_cannot_be_opened(home: Path, folder: int) -> None:
    error = refuses(lambda: read_beside(folder, home / ("x" * 300), private=True), "file name too long")
    assert "readable" in error.next_step


# -- appending --------------------------------------------------------------------------------


def test_a_file_to_append_to_is_made_private(tmp_path: Path) -> None:
    append_private(tmp_path / "keys")
    assert mode(tmp_path / "keys") == PRIVATE
    (tmp_path / "keys").write_text("before")
    append_private(tmp_path / "keys")
    assert (tmp_path / "keys").read_text() == "before"


def test_files_that_are_not_to_be_appended_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "open").touch(0o644)
    (tmp_path / "folder").mkdir()
    refuses(lambda: append_private(tmp_path / "link"), "symbolic link")
    refuses(lambda: append_private(tmp_path / "open"), "other users may use this file")
    refuses(lambda: append_private(tmp_path / "folder"), "is a directory")
    refuses(lambda: append_private(tmp_path / "none" / "keys"), "no such file")
    assert not (tmp_path / "elsewhere").exists()


# -- errors -------------------------------------------------------------------------------------


def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_private(tmp_path / "keys")
    status = (tmp_path / "keys").stat()
    monkeypatch.setattr(files.os, "geteuid", lambda: status.st_uid + 1)
    refuses(lambda: check_private(tmp_path / "keys", status), f"number {status.st_uid}, the proxy runs as")


@pytest.mark.parametrize(
    ("error", "cause"),
    [(OSError(13, "Permission denied"), "permission denied"), (BlockingIOError(), "blockingioerror")],
)
def test_what_the_system_answered(error: OSError, cause: str) -> None:
    assert unusable(Path("a"), error, "try again").cause == cause
