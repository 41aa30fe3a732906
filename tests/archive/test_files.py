"""The files of the archive, found again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproxy.archive.files import ArchiveFiles, Stray
from mailproxy.archive.maildir import MaildirArchive
from mailproxy.guards.memory import Message
from tests.archive.books import Book

NOW = 1_767_600_000.25
MESSAGE = Message("main", "aiko@example.jp", "pop3", "INBOX", "u1")


@pytest.fixture
def file(tmp_path: Path) -> str:
    """An archived message."""
    book = Book()
    writing = MaildirArchive(tmp_path, book).begin(MESSAGE)
    assert writing is not None
    writing.write(b"text")
    writing.finish(NOW)
    return book.rows[MESSAGE][0]


def test_found_and_read(tmp_path: Path, file: str) -> None:
    files = ArchiveFiles(tmp_path)
    assert files.find(file, MESSAGE) == file
    with files.open(file) as stream:
        assert stream.read() == b"text"
    assert list(files.strays([file])) == []


def test_found_where_a_mail_program_put_it(tmp_path: Path, file: str) -> None:
    moved = file.replace("/new/", "/cur/") + ":2,S"
    (tmp_path / file).rename(tmp_path / moved)
    assert ArchiveFiles(tmp_path).find(file, MESSAGE) == moved


def test_a_row_of_an_older_file_finds_the_newer_one(tmp_path: Path, file: str) -> None:
    assert ArchiveFiles(tmp_path).find("main/aiko@example.jp/new/1.gone,S=1", MESSAGE) == file


def test_what_is_gone_is_not_found(tmp_path: Path, file: str) -> None:
    (tmp_path / file).unlink()
    assert ArchiveFiles(tmp_path).find(file, MESSAGE) is None


@pytest.mark.parametrize("user", [None, MESSAGE.user])
def test_strays(tmp_path: Path, file: str, user: str | None) -> None:
    (tmp_path / "README").touch()
    expected = Stray(file, "main", MESSAGE.user, 4, NOW)
    assert list(ArchiveFiles(tmp_path).strays([], user)) == [expected]
    assert list(ArchiveFiles(tmp_path).strays([], "bo")) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "a/b/new",
        "../../new/x",
        "main/../new/x",
        "main/aiko/tmp/x",
        "main/aiko/new/..",
        "a/b/new/c/d",
    ],
)
def test_only_files_of_the_archive_are_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        ArchiveFiles(tmp_path).open(name)


def test_links_are_not_followed(tmp_path: Path, file: str) -> None:
    place = tmp_path / file
    (tmp_path / "secret").write_text("x")
    place.unlink()
    place.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        ArchiveFiles(tmp_path).open(file)


OTHERS = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "link": lambda path: os.symlink("/etc/passwd", path),
    "broken link": lambda path: os.symlink("nothing", path),
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_what_is_no_file_is_no_message(tmp_path: Path, file: str, make: Callable[[Path], None]) -> None:
    make((tmp_path / file).with_name("stranger"))
    make(tmp_path / "main" / "aiko@example.jp" / "cur" / "stranger,S=1:2,S")
    assert [stray.file for stray in ArchiveFiles(tmp_path).strays([])] == [file]
    (tmp_path / file).unlink()
    make(tmp_path / file)
    assert ArchiveFiles(tmp_path).find(file, MESSAGE) is None
    assert list(ArchiveFiles(tmp_path).strays([])) == []


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_took_the_place_of_a_file_is_not_opened(tmp_path: Path, file: str, kind: str) -> None:
    (tmp_path / file).unlink()
    OTHERS[kind](tmp_path / file)
    before = descriptors()
    with pytest.raises(OSError, match="no regular file"):
        ArchiveFiles(tmp_path).open(file)
    assert descriptors() == before


def test_nothing_stays_open_when_a_file_cannot_be_used(
    tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(os, "fdopen", fails)
    before = descriptors()
    with pytest.raises(MemoryError):
        ArchiveFiles(tmp_path).open(file)
    assert descriptors() == before


@pytest.mark.parametrize("box", ["new", "cur"])
def test_a_box_that_is_no_folder(tmp_path: Path, file: str, box: str) -> None:
    user = tmp_path / "main" / "aiko@example.jp"
    (user / box).rename(user / "elsewhere")
    (user / box).symlink_to(user / "elsewhere")
    expected = [] if box == "new" else [file]
    assert [stray.file for stray in ArchiveFiles(tmp_path).strays([])] == expected


def descriptors() -> list[str]:
    if not Path("/proc/self/fd").exists():
        pytest.skip("only Linux tells which files are open")
    return os.listdir("/proc/self/fd")


def test_no_archive_yet(tmp_path: Path) -> None:
    files = ArchiveFiles(tmp_path / "none")
    assert files.find("main/aiko/new/x", MESSAGE) is None
    assert list(files.strays([])) == []
