from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair

from mailproxy.demo.lines import Ended, Lines, decoded, dotted


@pytest.mark.parametrize(
    ("octets", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n..b\r\n", b"a\r\n..\r\n...b\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
        (b"\n.\nbare\r\n", b"\n.\nbare\r\n.\r\n"),
    ],
)
async def test_dots_there_and_back(octets: bytes, wire: bytes) -> None:
    assert dotted(octets) == wire
    one, other = memory_stream_pair()
    await one.send_all(wire + b"next\r\n")
    lines = Lines(other)
    assert await lines.body() in (octets, octets + b"\r\n")
    assert await lines.line() == b"next"


async def test_only_crlf_ends_a_line() -> None:
    one, other = memory_stream_pair()
    await one.send_all(b"a\nb\rc\r\nd")
    await one.send_eof()
    lines = Lines(other)
    assert await lines.line() == b"a\nb\rc"
    with pytest.raises(Ended):
        await lines.line()


async def test_a_line_without_end_is_not_kept_for_ever() -> None:
    one, other = memory_stream_pair()
    await one.send_all(b"x" * 200_000)
    with pytest.raises(Ended):
        await Lines(other).line()


async def test_a_broken_connection_is_an_end() -> None:
    one, other = memory_stream_pair()
    await trio.aclose_forcefully(one)
    with pytest.raises(Ended):
        await Lines(other).send(b"too late")


def test_base64() -> None:
    assert decoded(b"=") == b""
    assert decoded(b"YQ==") == b"a"
    assert decoded(b"*") is None
