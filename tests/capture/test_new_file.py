"""A file that is there whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mailproxy.capture.new_file import NewFile


def test_it_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with NewFile(target) as file:
        file.write(b"one ")
        file.write(b"two")
        assert not target.exists()
        assert file.keep() == target
    assert target.read_bytes() == b"one two"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_stays_of_one_that_is_not_kept(tmp_path: Path) -> None:
    with NewFile(tmp_path / "x") as file:
        file.write(b"one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dangling", [False, True])
def test_nothing_is_overwritten(tmp_path: Path, dangling: bool) -> None:
    target = tmp_path / "x"
    target.symlink_to("nowhere") if dangling else target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        NewFile(target)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        NewFile(tmp_path / "gone" / "x")
    assert caught.value.filename == str(tmp_path / "gone" / "x")


def test_nor_what_appears_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with NewFile(target) as file:
        target.write_bytes(b"old")
        with pytest.raises(FileExistsError):
            file.keep()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
