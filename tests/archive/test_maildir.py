"""The archive: what is in it already, and what crashes and people do to it."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mailproxy.archive.maildir import STALE_SECONDS, MaildirArchive, key_of
from mailproxy.guards.memory import MemoryFailed, Message
from tests.archive.books import Book

NOW = 1_767_600_000.25
MESSAGE = Message("main", "aiko", "imap", "INBOX", "7.1")
USER = Path("main", "aiko")


def archive(folder: Path, book: Book, message: Message = MESSAGE, text: bytes = b"text") -> bool:
    """Was it written? False when it is there already."""
    writing = MaildirArchive(folder, book).begin(message)
    if writing is None:
        return False
    writing.write(text)
    writing.finish(NOW)
    return True


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_once_is_enough(tmp_path: Path) -> None:
    book = Book()
    assert [archive(tmp_path, book), archive(tmp_path, book)] == [True, False]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize(
    "change", [{"user": "bo"}, {"id": "7.2"}, {"mailbox": "Work"}, {"upstream": "other"}]
)
def test_another_message_is_another_file(tmp_path: Path, change: dict[str, str]) -> None:
    book = Book()
    assert archive(tmp_path, book)
    assert archive(tmp_path, book, replace(MESSAGE, **change))  # type: ignore[arg-type]
    assert len(files(tmp_path)) == 2


def test_a_row_without_its_file_lets_nothing_through(tmp_path: Path) -> None:
    book = Book()
    archive(tmp_path, book)
    files(tmp_path)[0].unlink()
    assert archive(tmp_path, book)
    assert len(files(tmp_path)) == 1


def test_nor_does_a_file_that_lost_octets(tmp_path: Path) -> None:
    book = Book()
    archive(tmp_path, book)
    os.truncate(files(tmp_path)[0], 2)
    assert archive(tmp_path, book)


def test_nor_does_a_link_with_as_many_octets(tmp_path: Path) -> None:
    book = Book()
    archive(tmp_path, book)
    (file,) = files(tmp_path)
    file.unlink()
    file.symlink_to("text")
    assert archive(tmp_path, book)


def test_a_mail_program_may_have_read_it(tmp_path: Path) -> None:
    book = Book()
    archive(tmp_path, book)
    (file,) = files(tmp_path)
    file.rename(tmp_path / USER / "cur" / f"{file.name}:2,FS")
    assert not archive(tmp_path, book)


def test_a_crash_before_the_row_costs_a_second_copy(tmp_path: Path) -> None:
    archive(tmp_path, Book())
    assert archive(tmp_path, Book())
    assert len(files(tmp_path)) == 2


def test_what_crashes_left_is_swept(tmp_path: Path) -> None:
    archive(tmp_path, Book())
    old, young = (tmp_path / USER / "tmp" / name for name in ("old", "young"))
    for file, age in ((old, STALE_SECONDS + 60), (young, STALE_SECONDS - 3600)):
        file.write_bytes(b"half a")
        os.utime(file, (time.time() - age,) * 2)
    archive(tmp_path, Book())
    assert [path for path in files(tmp_path) if path.parent.name == "tmp"] == [young]


def test_hostile_names_stay_inside(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    hostile = Message("../up", "../../aiko", "pop3", "INBOX", "../x\n")
    assert archive(root, Book(), hostile)
    (file,) = files(tmp_path)
    assert file.is_relative_to(root)
    assert len(file.relative_to(root).parts) == 4


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "archive"
    (root / "main").mkdir(parents=True)
    (root / USER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MemoryFailed, match=r"aiko: it is a symbolic link or no folder; move that away"):
        archive(root, Book())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_disk_that_is_full_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(MemoryFailed, match="no space left on device; free space on its disk"):
        archive(tmp_path, Book())


def test_an_index_that_cannot_be_asked(tmp_path: Path) -> None:
    book = Book()
    book.broken = {"has"}
    with pytest.raises(MemoryFailed, match="no database"):
        archive(tmp_path, book)
    assert files(tmp_path) == []


def test_the_host_is_safe_in_a_file_name(tmp_path: Path) -> None:
    writing = MaildirArchive(tmp_path, Book(), "a/b:c d").begin(MESSAGE)
    assert writing is not None
    writing.finish(NOW)
    assert ".a_b_c_d,S=0" in files(tmp_path)[0].name


def test_keys_do_not_run_into_one_another() -> None:
    one = replace(MESSAGE, mailbox="a", id="bc")
    assert key_of(one) != key_of(replace(MESSAGE, mailbox="ab", id="c"))
    assert len(key_of(one)) == 32
