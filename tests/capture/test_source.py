from __future__ import annotations

import gzip
import os

import pytest

from mailproxy.capture.model import CaptureError, Tally
from mailproxy.capture.source import Source


def everything(path, tally=None, progress=None):
    with Source(path, tally or Tally(), progress) as source:
        data = source.refill(b"", 1 << 40)
        source.end(0)
    return data


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.pcap"


TEXT = os.urandom(10_000) * 500  # 5 MB, more than a few pieces


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(TEXT, id="plain"),
        pytest.param(gzip.compress(TEXT), id="gzip"),
        pytest.param(gzip.compress(TEXT[:777]) + gzip.compress(TEXT[777:]), id="two members"),
        pytest.param(gzip.compress(TEXT) + b"\0" * 3_000_000, id="filled up with NUL"),
        pytest.param(gzip.compress(b"") + gzip.compress(TEXT), id="an empty member"),
    ],
)
def test_reads_all(path, file):
    path.write_bytes(file)
    tally, heard = Tally(), []
    assert everything(path, tally, heard.append) == TEXT
    assert tally == Tally(octets=len(file))
    assert sum(heard) == len(file)
    assert len(heard) <= len(file) / (1 << 20) + 3


def test_gives_what_is_asked_for_and_little_more(path):
    path.write_bytes(gzip.compress(bytes(50 << 20)))
    with Source(path, Tally(), None) as source:
        buffer = source.refill(b"rest", 100)
        assert buffer.startswith(b"rest\0")
        assert len(buffer) <= (1 << 20) + 4
        assert len(source.refill(b"", 3 << 20)) in range(3 << 20, (4 << 20) + 1)


@pytest.mark.parametrize("cut", [1, 8, 9, 1000])
def test_gzip_that_is_cut_off(path, cut):
    tally = Tally()
    data = os.urandom(5000)
    path.write_bytes(gzip.compress(data)[:-cut])
    assert data.startswith(everything(path, tally))
    assert tally.notes == ["the file is cut off, or still growing: its gzip data have no end"]


def test_damaged_gzip(path):
    path.write_bytes(gzip.compress(TEXT[:100]) + b"garbage")
    with pytest.raises(CaptureError) as caught:
        everything(path)
    assert str(caught.value).startswith(f"{path}: the gzip data are damaged (")
    assert str(caught.value).endswith(
        f" at octet 100 of what is packed in it; see what gunzip says of {path}"
    )


@pytest.mark.parametrize("file", [b"", b"x", b"xy", b"\x1f"])
def test_very_short_files(path, file):
    path.write_bytes(file)
    assert everything(path) == file


def test_no_such_file(path):
    with pytest.raises(CaptureError, match=r"a\.pcap: No such file or directory; give the path of a pcap"):
        everything(path)


def test_a_folder(tmp_path):
    with pytest.raises(CaptureError, match="Is a directory; give the path"):
        everything(tmp_path)


def test_error_names_the_place(path):
    path.write_bytes(b"x" * 100)
    with Source(path, Tally(), None) as source:
        buffer = source.refill(b"", 100)
        error = source.error(len(buffer) - 30, "it is wrong", "mend it")
    assert str(error) == f"{path}: it is wrong at octet 30; mend it"


def test_reads_what_a_growing_file_has_by_now(path):
    path.write_bytes(b"abc")
    with Source(path, Tally(), None) as source, path.open("ab") as file:
        buffer = source.refill(b"", 3)
        file.write(b"def")
        file.flush()
        assert source.refill(buffer, 6) == b"abcdef"
