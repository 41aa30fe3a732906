"""One message on its way: whole and durable, or not there at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproxy.archive.maildir import MaildirArchive
from mailproxy.archive.writing import unique_part
from mailproxy.guards.memory import MemoryFailed, Message, Writing
from tests.archive.books import Book

NOW = 1_767_600_000.25
TEXT = b"Subject: a\r\n\r\n.\r\n\0\xff\n\r"
MESSAGE = Message(
    "main", "aiko", "imap", "INBOX", "7.1", "17-Jul-1996 02:44:25 -0700", ("\\Seen", "\\Deleted")
)


def begun(folder: Path, book: Book, message: Message = MESSAGE) -> Writing:
    writing = MaildirArchive(folder, book, "mail.example").begin(message)
    assert writing is not None
    return writing


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def fails_with(code: int) -> Callable[..., object]:
    def fail(*arguments: object, **more: object) -> object:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_message_is_kept_as_it_came(tmp_path: Path) -> None:
    book = Book()
    writing = begun(tmp_path, book)
    for octet in TEXT:
        writing.write(bytes([octet]))
    assert book.rows == {}
    writing.finish(NOW)
    (file,) = files(tmp_path)
    assert file.read_bytes() == TEXT
    assert file.stat().st_mtime == 837596665.0
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.name.startswith("1767600000.M250000P")
    assert file.name.endswith(f".mail.example,S={len(TEXT)}:2,S")
    assert book.rows == {MESSAGE: (str(file.relative_to(tmp_path)), len(TEXT), NOW)}
    assert file.parent == tmp_path / "main" / "aiko" / "cur"


def test_without_flags_and_date(tmp_path: Path) -> None:
    writing = begun(tmp_path, Book(), Message("main", "aiko", "pop3", "INBOX", "u1"))
    writing.finish(NOW)
    (file,) = files(tmp_path)
    assert file.parent.name == "new"
    assert file.name.endswith(",S=0")
    assert file.stat().st_mtime == NOW


def test_it_is_durable_before_it_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *a, name=name, real=real, **k: (done.append(name), real(*a, **k))[1]
        )
    book = Book()
    writing = begun(tmp_path, book)
    done.clear()
    add = book.add
    monkeypatch.setattr(book, "add", lambda *a: (done.append("add"), add(*a))[1])
    writing.finish(NOW)
    assert done == ["fsync", "rename", "fsync", "add"]


@pytest.mark.parametrize("call", ["write", "fsync", "utime", "rename"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failure_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    book = Book()
    writing = begun(tmp_path, book)
    monkeypatch.setattr(os, call, fails_with(code))
    writing.write(TEXT)
    monkeypatch.undo() if call == "write" else None
    with pytest.raises(MemoryFailed) as caught:
        writing.finish(NOW)
    assert str(tmp_path / "main" / "aiko") in str(caught.value)
    assert os.strerror(code).lower() in str(caught.value)
    assert files(tmp_path) == []
    assert book.rows == {}


def test_an_index_that_fails_leaves_nothing(tmp_path: Path) -> None:
    book = Book()
    writing = begun(tmp_path, book)
    book.broken = {"add"}
    with pytest.raises(MemoryFailed, match="no database"):
        writing.finish(NOW)
    assert files(tmp_path) == []


def test_a_commit_whose_answer_was_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book()
    add = book.add

    def cut_off(message: Message, file: str, octets: int, now: float) -> int:
        add(message, file, octets, now)
        raise MemoryFailed("the connection is lost")

    writing = begun(tmp_path, book)
    with monkeypatch.context() as patch:
        patch.setattr(book, "add", cut_off)
        with pytest.raises(MemoryFailed):
            writing.finish(NOW)
    assert files(tmp_path) == []
    begun(tmp_path, book).finish(NOW + 1)
    (file,) = files(tmp_path)
    assert book.rows == {MESSAGE: (str(file.relative_to(tmp_path)), 0, NOW + 1)}


def test_short_writes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = begun(tmp_path, Book())
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:3]))
    writing.write(TEXT)
    monkeypatch.undo()
    writing.finish(NOW)
    assert files(tmp_path)[0].read_bytes() == TEXT


def test_abandoned(tmp_path: Path) -> None:
    writing = begun(tmp_path, Book())
    writing.write(TEXT)
    assert len(files(tmp_path)) == 1
    writing.abandon()
    writing.abandon()
    writing.write(TEXT)
    assert files(tmp_path) == []
    with pytest.raises(MemoryFailed):
        writing.finish(NOW)


def test_abandoned_behind_the_end(tmp_path: Path) -> None:
    writing = begun(tmp_path, Book())
    writing.finish(NOW)
    writing.abandon()
    assert len(files(tmp_path)) == 1


def test_abandoned_while_another_thread_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book()
    writing = begun(tmp_path, book)
    writing.write(TEXT)
    add = book.add
    monkeypatch.setattr(book, "add", lambda *a: (writing.abandon(), add(*a))[1])
    writing.finish(NOW)
    assert files(tmp_path)[0].read_bytes() == TEXT


def test_forgotten(tmp_path: Path) -> None:
    writing = begun(tmp_path, Book())
    writing.write(TEXT)
    del writing
    assert files(tmp_path) == []


def test_nothing_stays_open(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("only Linux tells which files are open")
    before = len(os.listdir("/proc/self/fd"))
    begun(tmp_path, Book()).finish(NOW)
    begun(tmp_path, Book()).abandon()
    assert len(os.listdir("/proc/self/fd")) == before


def test_unique_part() -> None:
    assert unique_part("main/aiko/cur/1.M2.host,S=5:2,RS") == unique_part("1.M2.host,S=5") == "1.M2.host,S=5"
