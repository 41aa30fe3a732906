"""What is read of a file is what was there when it was opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.capture.snapshot import Snapshot


def test_each_reader_reads_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    snapshot = Snapshot(path)
    try:
        with path.open("ab") as more:
            more.write(b"more")
        path.unlink()
        one, other = snapshot.reader(), snapshot.reader()
        assert [one.read(4), other.read(6), one.read(4), one.read(4), one.read(4)] == [
            b"0123", b"012345", b"4567", b"89", b"",
        ]  # fmt: skip
        one.close()
        assert other.read(100) == b"6789"
        assert str(snapshot) == str(path)
    finally:
        snapshot.close()


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Snapshot(tmp_path / "none")
