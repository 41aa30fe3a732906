"""The files of the archive, found again."""

from __future__ import annotations

import os
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


def test_a_pipe_does_not_block(tmp_path: Path, file: str) -> None:
    (tmp_path / file).unlink()
    os.mkfifo(tmp_path / file)
    with ArchiveFiles(tmp_path).open(file) as stream:
        assert stream.read() == b""


def test_no_archive_yet(tmp_path: Path) -> None:
    files = ArchiveFiles(tmp_path / "none")
    assert files.find("main/aiko/new/x", MESSAGE) is None
    assert list(files.strays([])) == []
