"""Folders that nobody else can exchange."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailproxy.archive.folders import FolderRefused, not_ours, open_box, open_folder


def test_folders_are_made_for_us_alone(tmp_path: Path) -> None:
    root = tmp_path / "state" / "archive"
    before = os.umask(0)
    try:
        os.close(open_folder(root, ("main", "aiko", "new"), write=True))
    finally:
        os.umask(before)
    for folder in (root, root / "main", root / "main" / "aiko", root / "main" / "aiko" / "new"):
        assert folder.stat().st_mode & 0o777 == 0o700
    os.close(open_folder(root, ("main", "aiko", "new"), write=True))


def test_reading_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_folder(tmp_path, ("main",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("link", ["archive", "archive/main", "archive/main/aiko"])
def test_a_symbolic_link_is_not_followed(tmp_path: Path, link: str, write: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "aiko").mkdir(parents=True)
    place = tmp_path / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(elsewhere)
    with pytest.raises(FolderRefused) as caught:
        open_folder(tmp_path / "archive", ("main", "aiko"), write=write)
    assert caught.value.filename == str(place)
    assert "symbolic link" in str(caught.value.strerror)


def test_a_folder_that_others_may_write_to_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "main").chmod(0o770)
    with pytest.raises(FolderRefused, match="other users may write"):
        open_folder(tmp_path, ("main",), write=True)
    os.close(open_folder(tmp_path, ("main",)))


def test_whose_a_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = tmp_path.stat()
    assert not_ours(status) == ""
    monkeypatch.setattr(os, "geteuid", lambda: status.st_uid + 1)
    assert "belongs to another user" in not_ours(status)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd") if Path("/proc/self/fd").exists() else []
    (tmp_path / "file").touch()
    folder = open_folder(tmp_path, write=True)
    with pytest.raises(NotADirectoryError), open_box(folder, "file"):
        pass
    os.close(folder)
    with pytest.raises(FolderRefused):
        open_folder(tmp_path, ("file",), write=True)
    if before:
        assert len(os.listdir("/proc/self/fd")) == len(before)
