"""``mailproxy archive``: what is listed, shown and written to files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailproxy.store.store import Store
from tests.cli.archiving import DATE, NOW_UTC, TEXT, archive, configure, forget, open_store
from tests.cli.calling import call, call_on_terminal, call_process, columns

HOSTILE = "eve\x1b]0;owned\x07"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return configure(tmp_path, {"main": 'imap = { port = 993, tls = "implicit" }'})


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    store = open_store(config)
    yield store
    store.close()


def test_list_in_a_pipe(config: Path, store: Store) -> None:
    archive(config, store, "7.1")
    gone = archive(config, store, "7.2", "bo")
    gone.unlink()
    stray = forget(archive(config, store, "7.3"))
    rows = [line.split("\t") for line in call("archive", "list", "-c", config).stdout.splitlines()]
    size = str(len(TEXT))
    assert rows == [
        [stray, "2020-09-13T12:26:40+00:00", "main", "aiko", "", "3", "", "not indexed"],
        ["1", NOW_UTC, "main", "aiko", "INBOX", size, "café au lait", "archived"],
        ["2", NOW_UTC, "main", "bo", "INBOX", size, "", "no file"],
        ["3", NOW_UTC, "main", "aiko", "INBOX", size, "café au lait", "archived"],
    ]
    for limits, ids in (
        (["--user", "bo"], ["2"]),
        (["--since", "1h"], []),
        (["--user", "aiko"], [stray, "1", "3"]),
    ):
        lines = call("archive", "list", "-c", config, *limits).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == ids


def test_list_as_json(config: Path, store: Store) -> None:
    file = archive(config, store, "7.1", HOSTILE, flags=("\\Seen", "$Work"))
    done = call("archive", "list", "-c", config, "--json").stdout
    assert "\x1b" not in done
    assert json.loads(done) == [
        {
            "id": "1",
            "archived": NOW_UTC,
            "upstream": "main",
            "user": HOSTILE,
            "protocol": "imap",
            "mailbox": "INBOX",
            "received": DATE,
            "flags": ["\\Seen", "$Work"],
            "octets": len(TEXT),
            "rule": "archive-all",
            "subject": "café au lait",
            "file": str(file.relative_to(config.parent / "state" / "archive")),
            "state": "archived",
        }
    ]


def test_list_on_a_terminal(config: Path, store: Store) -> None:
    archive(config, store, "7.1", HOSTILE, b"Subject: \x1b[31mred\r\n\r\n")
    code, shown = call_on_terminal("archive", "list", "-c", config, kind="xterm")
    assert code == 0
    (row,) = columns(shown)
    assert row[3] == r"eve\x1b]0;owned\x07"
    assert row[6] == r"\x1b[31mred"
    assert "\x1b]0" not in shown


def test_show_in_a_pipe_is_the_very_message(config: Path, store: Store) -> None:
    archive(config, store, "7.1")
    stray = forget(archive(config, store, "7.2"))
    assert call("archive", "show", "1", "-c", config).stdout_bytes == TEXT
    assert call("archive", "show", "-c", config, "1", "--headers").stdout_bytes == TEXT[: TEXT.index(b"body")]
    assert call("archive", "show", stray, "-c", config).stdout_bytes == b"x\r\n"


@pytest.mark.parametrize("more", [[], ["--headers"]])
def test_show_on_a_terminal(config: Path, store: Store, more: list[str]) -> None:
    archive(config, store, "7.1")
    code, shown = call_on_terminal("archive", "show", "1", "-c", config, *more)
    assert code == 0
    assert "\x1b" not in shown
    body = r"body \x1b]0;owned\x07\xff"
    assert (body in shown) is (not more)
    assert shown.startswith("From: a\n")


@pytest.mark.parametrize("act", [["show"], ["restore", "--eml", "-"]])
@pytest.mark.parametrize("id_", ["9", "nothing", "../../../etc/passwd", "1" * 18])
def test_what_is_not_there(config: Path, store: Store, act: list[str], id_: str) -> None:
    archive(config, store, "7.1")
    result = call("archive", *act, id_, "-c", config, code=1)
    assert "there is no message" in result.stderr
    assert "mailproxy archive list" in result.stderr


def test_a_file_that_is_gone(config: Path, store: Store) -> None:
    archive(config, store, "7.1").unlink()
    result = call("archive", "show", "1", "-c", config, code=1)
    assert "has no file below" in result.stderr
    assert "restore the file from a backup" in result.stderr


def test_into_a_file(config: Path, store: Store, tmp_path: Path) -> None:
    archive(config, store, "7.1")
    target = tmp_path / "one.eml"
    dry = call("archive", "restore", "1", "-c", config, "--eml", target, "--dry-run")
    assert f"would be written to {target}" in dry.stdout
    assert not target.exists()
    call("archive", "restore", "1", "-c", config, "--eml", target)
    assert target.read_bytes() == TEXT
    assert target.stat().st_mode & 0o777 == 0o600
    again = call("archive", "restore", "1", "-c", config, "--eml", target, code=1)
    assert "File exists; name a new file" in again.stderr


def test_into_a_folder_and_a_pipe(config: Path, store: Store, tmp_path: Path) -> None:
    archive(config, store, "7.1")
    archive(config, store, "7.2", text=b"two")
    folder = tmp_path / "out"
    folder.mkdir()
    call("archive", "restore", "1", "2", "1", "-c", config, "--eml", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"1.eml": TEXT, "2.eml": b"two"}
    assert call("archive", "restore", "2", "-c", config, "--eml", "-").stdout_bytes == b"two"
    several = call("archive", "restore", "1", "2", "-c", config, "--eml", tmp_path / "x", code=2)
    assert "need a folder" in several.stderr
    code, shown = call_on_terminal("archive", "restore", "1", "-c", config, "--eml", "-")
    assert code == 2
    assert "use a pipe" in shown


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is of Linux")
def test_a_full_disk_leaves_no_half_of_a_file(
    config: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(config, store, "7.1")
    opened = os.open

    def onto_a_full_disk(path: object, flags: int, *more: object, **named: object) -> int:
        if path == tmp_path / "one.eml":
            os.close(opened(tmp_path / "one.eml", os.O_WRONLY | os.O_CREAT, 0o600))
            return opened("/dev/full", os.O_WRONLY)
        return opened(path, flags, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", onto_a_full_disk)
    result = call("archive", "restore", "1", "-c", config, "--eml", tmp_path / "one.eml", code=1)
    assert "No space left on device" in result.stderr
    assert not (tmp_path / "one.eml").exists()


@pytest.mark.parametrize("words", [[], ["--eml", "x", "--imap"], ["--since", "1h"]])
def test_a_wrong_command_line(config: Path, words: list[str]) -> None:
    call("archive", "restore", "1", "-c", config, *words, code=2)


def test_a_wrong_time(config: Path, store: Store) -> None:
    assert "--since" in call("archive", "list", "-c", config, "--since", "soon", code=2).stderr


def test_an_archive_that_is_a_link(config: Path, store: Store, tmp_path: Path) -> None:
    archive(config, store, "7.1")
    folder = tmp_path / "state" / "archive"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    (line,) = call("archive", "list", "-c", config).stdout.splitlines()
    assert line.endswith("\tno file")


def test_strangers_in_a_maildir(config: Path, store: Store, tmp_path: Path) -> None:
    file = archive(config, store, "7.1")
    file.with_name("link").symlink_to(tmp_path / "mailproxy.toml")
    file.with_name("folder").mkdir()
    os.mkfifo(file.with_name("pipe"))
    Path(os.fsdecode(os.fsencode(file.parent) + b"/\xff\x1b")).touch()
    lines = call("archive", "list", "-c", config).stdout.splitlines()
    assert sorted(line.split("\t")[0] for line in lines) == ["1", "\\udcff\\x1b"]


def test_no_store_yet(config: Path) -> None:
    done = call_process("archive", "list", "--config", config)
    assert done.returncode == 1
    assert "there is no store yet" in done.stderr
